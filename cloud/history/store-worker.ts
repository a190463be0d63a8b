import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "#core/clock.ts";
import { errorCode, errorMessage, HubError } from "#core/errors.ts";
import type { StoreNotice, StoreReply, StoreRequest, StoreWorkerData } from "./store-messages.ts";
import { StoreThread } from "./store-thread.ts";
import { TelemetryFile } from "./telemetry-file.ts";

/** The thread that owns telemetry.db. */
const port = parentPort;
if (port === null) throw new HubError("HISTORY_THREAD", "store-worker.ts runs only as a worker thread");

function start(): StoreThread | undefined {
  const { file, ...sizes } = workerData as StoreWorkerData;
  try {
    const opened = new TelemetryFile(file, sizes, (notice: StoreNotice) => port?.postMessage(notice));
    port?.postMessage({ id: 0, ok: true, answer: opened.damaged } satisfies StoreReply);
    return port === null ? undefined : new StoreThread(opened, file, port, systemClock);
  } catch (error) {
    const retriable = error instanceof HubError && error.retriable;
    const reply: StoreReply = { id: 0, ok: false, code: errorCode(error), message: errorMessage(error), retriable };
    port?.postMessage(reply);
    return undefined;
  }
}

const thread = start();
if (thread === undefined) port.close();
else
  port.on("message", ({ id, request }: { id: number; request: StoreRequest }) => {
    // Not terminate() from outside: the thread ends by itself, with no compression under way.
    if (!thread.handle(id, request)) port.close();
  });
