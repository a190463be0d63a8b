/**
 * What runs in the thread that shows the gateway's points to others: a flood of requests, or a fault in answering them, reaches
 * neither the field nor the store.
 */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "#core/clock.ts";
import { errorCode, errorMessage, HubError } from "#core/errors.ts";
import { type NorthboundDevice, openNorthbound } from "#protocols/bacnet/northbound/northbound-device.ts";
import type { FromNorthbound, NorthboundWorkerData, ToNorthbound } from "./northbound-messages.ts";
import { workerLogger } from "./worker-logger.ts";

const port = parentPort;
if (port === null) throw new HubError("NORTHBOUND_WORKER_ALONE", "northbound-worker.ts runs only as a worker thread");
const { settings, beatMs } = workerData as NorthboundWorkerData;
const tell = (message: FromNorthbound): void => port.postMessage(message);

function failed(error: unknown): void {
  tell({ kind: "failed", code: errorCode(error), message: errorMessage(error) });
}

async function handle(device: NorthboundDevice, message: ToNorthbound): Promise<void> {
  switch (message.kind) {
    case "show":
      device.show(message.points);
      break;
    case "tell":
      device.tell(message.values);
      tell({ kind: "took" });
      break;
    case "stop":
      await device.close();
      tell({ kind: "stopped" });
      port?.close();
      break;
    default:
      message satisfies never;
  }
}

try {
  const logger = workerLogger(tell, { northbound: "bacnet" });
  const device = await openNorthbound(settings, { clock: systemClock, logger });
  const beat = setInterval(() => tell({ kind: "beat", counters: device.counters }), beatMs);
  port.on("close", () => clearInterval(beat));
  port.on("message", (message: ToNorthbound) => {
    handle(device, message).catch(failed);
  });
  tell({ kind: "opened", ...device.address });
} catch (error) {
  failed(error);
}
