import { connect, createServer, type Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { PROXY_MODES, type ProxyThreadData } from "./proxy.ts";

/** Runs in a thread of its own: those who use the proxy may block theirs. */
const { target, mode } = workerData as ProxyThreadData;

const TERMINATE = 0x58;
const sockets = new Set<Socket>();
const held: (() => void)[] = [];
const current = (): (typeof PROXY_MODES)[number] => PROXY_MODES[Atomics.load(mode, 0)] ?? "pass";

/** Does what it is to do only once. */
function once(): void {
  Atomics.store(mode, 0, PROXY_MODES.indexOf("pass"));
}

function cut(client: Socket, server: Socket): void {
  client.destroy();
  server.destroy();
}

const listener = createServer((client) => {
  if (current() === "refuse") {
    client.destroy();
    return;
  }
  const server = connect(target, "127.0.0.1");
  const send = (to: Socket, data: Buffer): void => {
    if (current() === "hold") held.push(() => void to.write(data));
    else to.write(data);
  };
  for (const socket of [client, server]) {
    sockets.add(socket);
    socket.on("error", () => cut(client, server));
    socket.on("close", () => {
      sockets.delete(socket);
      cut(client, server);
    });
  }
  client.on("data", (data) => {
    // [PostgreSQL 55.7 Terminate] is the leave of somebody else's connection, no request.
    if (current() === "loseNextRequest" && data[0] !== TERMINATE) {
      once();
      cut(client, server);
    } else send(server, data);
  });
  server.on("data", (data) => {
    if (current() === "loseAnswerOfCommit" && data.includes("COMMIT\0")) {
      once();
      cut(client, server);
    } else send(client, data);
  });
});

listener.listen(0, "127.0.0.1", () => {
  const address = listener.address();
  parentPort?.postMessage(typeof address === "object" && address !== null ? address.port : 0);
});
parentPort?.on("message", (order: "cut" | "release" | "close") => {
  if (order === "release") for (const send of held.splice(0)) send();
  else for (const socket of sockets) socket.destroy();
  if (order === "close") {
    listener.close();
    parentPort?.close();
  }
});
