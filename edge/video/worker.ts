/**
 * What runs in the gateway's video thread: joins the video engine to the messages. A throw that nobody catches ends the thread, and
 * the gateway starts another.
 */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "#core/clock.ts";
import { HubError } from "#core/errors.ts";
import type { ActionResult } from "#protocols/driver.ts";
import type { ClipOutcome } from "./clips.ts";
import { VideoEngine } from "./engine.ts";
import type { FromVideo, ToVideo, VideoWorkerData } from "./messages.ts";
import { threadLogger } from "./thread-logger.ts";

const port = parentPort;
if (port === null) throw new HubError("VIDEO_WORKER_ALONE", "worker.ts runs only as a worker thread");
const { gateway, authorization, beatMs, settings } = workerData as VideoWorkerData;
const tell = (message: FromVideo, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

const asked = new Map<number, (result: ActionResult) => void>();
const addresses = new Map<number, PromiseWithResolvers<string>>();
let requests = 0;

function tellOutcome(outcome: ClipOutcome): void {
  // moved, not copied: a clip is many megabytes
  tell({ kind: "outcome", outcome }, "film" in outcome ? [outcome.film.bytes.buffer] : []);
}

const engine = new VideoEngine({
  gateway,
  authorization,
  settings,
  cloud: () => {
    const id = ++requests;
    const answer = Promise.withResolvers<string>();
    addresses.set(id, answer);
    tell({ kind: "cloud", id });
    return answer.promise;
  },
  ask: (device, action, params) => {
    const id = ++requests;
    const { promise, resolve } = Promise.withResolvers<ActionResult>();
    asked.set(id, resolve);
    tell({ kind: "ask", id, device, action, params });
    return promise;
  },
  onOutcome: tellOutcome,
  clock: systemClock,
  logger: threadLogger((level, fields, message) => tell({ kind: "log", level, fields, message })),
  random: Math.random,
});

function answered(id: number, result: ActionResult): void {
  asked.get(id)?.(result);
  asked.delete(id);
}

function addressTold({ id, url, problem }: ToVideo & { kind: "cloud" }): void {
  const answer = addresses.get(id);
  addresses.delete(id);
  if (url === undefined) answer?.reject(new HubError("CLOUD_ADDRESS_UNKNOWN", problem));
  else answer?.resolve(url);
}

const beat = setInterval(() => tell({ kind: "beat", counters: engine.counters }), beatMs);

async function handle(message: ToVideo): Promise<void> {
  switch (message.kind) {
    case "configure":
      engine.configure(message.cameras);
      break;
    case "record":
      tell({ kind: "recording", id: message.order.id, answer: await engine.record(message.order) });
      break;
    case "answer":
      answered(message.id, message.result);
      break;
    case "cloud":
      addressTold(message);
      break;
    case "stop":
      await engine.stop();
      clearInterval(beat);
      tell({ kind: "stopped" });
      port?.close();
      break;
    default:
      message satisfies never;
  }
}

port.on("message", (message: ToVideo) => {
  // what fails here is a fault of this program: the thread ends by it and is started anew
  handle(message).catch((error: unknown) => {
    setImmediate(() => {
      throw error;
    });
  });
});
tell({ kind: "loaded" });
