import { parentPort, workerData } from "node:worker_threads";
import { errorCode, errorMessage, HubError } from "#core/errors.ts";
import { SegmentStore } from "./segment-store.ts";
import type { StoreReply, StoreRequest, StoreWorkerData } from "./store-messages.ts";

/** The thread that owns telemetry.db. Requests are answered one after the other, so a write is durable before its answer. */
const port = parentPort;
if (port === null) throw new HubError("HISTORY_THREAD", "store-worker.ts runs only as a worker thread");

function failure(id: number, error: unknown): StoreReply {
  const retriable = error instanceof HubError && error.retriable;
  return { id, ok: false, code: errorCode(error), message: errorMessage(error), retriable };
}

function perform(store: SegmentStore, request: StoreRequest): unknown {
  switch (request.op) {
    case "write":
      return store.write(request.columns, request.spans, request.points);
    case "read":
      return store.read(request.query);
    case "buckets":
      return store.buckets(request.query);
    case "ranges":
      return store.ranges(request.gateway);
    case "close":
      return store.close();
    default:
      return request satisfies never;
  }
}

function start(): SegmentStore | undefined {
  const { file, compactAt } = workerData as StoreWorkerData;
  try {
    const opened = new SegmentStore(file, compactAt);
    port?.postMessage({ id: 0, ok: true, answer: undefined } satisfies StoreReply);
    return opened;
  } catch (error) {
    port?.postMessage(failure(0, error));
    return undefined;
  }
}

const store = start();
if (store === undefined) port.close();
else
  port.on("message", ({ id, request }: { id: number; request: StoreRequest }) => {
    let reply: StoreReply;
    try {
      reply = { id, ok: true, answer: perform(store, request) };
    } catch (error) {
      reply = failure(id, error);
    }
    port.postMessage(reply);
    // Not terminate() from outside: the thread ends by itself, with no compression under way.
    if (request.op === "close") port.close();
    // A failed compaction loses nothing: the log stays, and the next write tries again.
    else if (request.op === "write" && reply.ok) {
      try {
        store.compactIfDue();
      } catch (error) {
        port.postMessage(failure(-1, error));
      }
    }
  });
