import { parentPort } from "node:worker_threads";
import { errorMessage } from "#core/errors.ts";
import { loadLibrary } from "./library.ts";
import type { FromServers, Told, ToServers } from "./messages.ts";
import { ServedServer } from "./served-server.ts";
import { DeviceMemory } from "./space.ts";

/*
 * The library's thread: every simulated OPC UA server of the process. What is asked of one server is done one after the other.
 */

const library = loadLibrary((level, detail) => tell({ type: "log", level, detail }));
const servers = new Map<string, ServedServer>();
const memories = new Map<string, DeviceMemory>();
const queues = new Map<string, Promise<void>>();

function tell(message: FromServers): void {
  parentPort?.postMessage(message);
}

async function start({ plan, values, offsetMs }: Extract<ToServers, { type: "start" }>): Promise<void> {
  const server = plan.name;
  const memory = memories.get(server) ?? new DeviceMemory();
  memories.set(server, memory);
  const sinks = {
    onWrite: (told: Told) => tell({ type: "wrote", server, told }),
    onAct: (device: string, detail: string) => tell({ type: "acted", server, device, detail }),
  };
  try {
    const started = await ServedServer.start(await library, plan, { values, offsetMs }, memory, sinks);
    servers.set(server, started);
    tell({ type: "started", server, port: started.port });
  } catch (error) {
    tell({ type: "failed", server, message: errorMessage(error) });
  }
}

async function stop(name: string): Promise<void> {
  const server = servers.get(name);
  servers.delete(name);
  await server?.stop();
  tell({ type: "stopped", server: name });
}

function act(message: Exclude<ToServers, { type: "start" } | { type: "stop" }>): void {
  const server = servers.get(message.server);
  if (server === undefined) return;
  switch (message.type) {
    case "values":
      server.tell(message.values, message.offsetMs);
      break;
    case "status":
      server.status(message.signal, message.status);
      break;
    case "drop":
      if (message.what === "sessions") server.dropSessions();
      else server.dropSubscriptions();
      break;
    default:
      message satisfies never;
  }
}

async function perform(message: ToServers): Promise<void> {
  if (message.type === "start") await start(message);
  else if (message.type === "stop") await stop(message.server);
  else act(message);
}

parentPort?.on("message", (message: ToServers) => {
  const name = message.type === "start" ? message.plan.name : message.server;
  const last = queues.get(name) ?? Promise.resolve();
  queues.set(
    name,
    last
      .then(() => perform(message))
      .catch((error: unknown) => tell({ type: "log", level: "warn", detail: errorMessage(error) })),
  );
});
