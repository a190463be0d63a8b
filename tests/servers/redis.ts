import { connect } from "node:net";
import { peer } from "#tests/peers.ts";
import { freePort, serverFolder, TestServer } from "./server.ts";

/** How a Redis of a test differs from a production one. */
export interface RedisSettings {
  /** Append-only file; on when absent, synced every second as Redis itself does. */
  readonly appendonly?: boolean;
  readonly appendfsync?: "always" | "everysec";
  readonly maxmemoryPolicy?: string;
  /** Password that every client needs. */
  readonly password?: string;
}

/** The path of redis-server, or undefined (with a line that says so) where it is not installed. */
export const redisProgram = (): string | undefined => peer("redis");

/** Does it answer PING? It accepts connections while it still loads its file. */
async function answersPing(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return await new Promise<boolean>((resolve) => {
    socket.once("connect", () => socket.write("PING\r\n"));
    socket.once("data", (data) => resolve(/^\+PONG|^-NOAUTH/.test(data.toString())));
    socket.once("error", () => resolve(false));
    socket.setTimeout(1000, () => resolve(false));
  }).finally(() => socket.destroy());
}

/** A redis-server of its own on a free loopback port. @throws when it is not installed */
export async function startRedis(settings: RedisSettings = {}): Promise<TestServer> {
  const command = redisProgram();
  if (command === undefined) throw new Error("redis-server is not installed");
  const { appendonly = true, appendfsync = "everysec", maxmemoryPolicy = "noeviction", password } = settings;
  const folder = serverFolder("redis");
  const port = await freePort();
  const options = {
    bind: "127.0.0.1",
    port: String(port),
    dir: folder,
    save: "",
    appendonly: appendonly ? "yes" : "no",
    appendfsync,
    "maxmemory-policy": maxmemoryPolicy,
    ...(password === undefined ? {} : { requirepass: password }),
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  return await TestServer.start({ name: "redis-server", command, args, port, ready: () => answersPing(port) }, folder);
}

/** URL of a started Redis. */
export const redisUrl = ({ port }: Pick<TestServer, "port">): string => `redis://127.0.0.1:${port}`;
