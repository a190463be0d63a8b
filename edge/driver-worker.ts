/**
 * What runs in a driver's worker thread: loads one driver, hands it plain data and passes on what it tells. It decides nothing: a
 * throw that nobody catches ends the thread, and the supervisor starts another.
 */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "#core/clock.ts";
import { errorCode, errorMessage, HubError } from "#core/errors.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { Sample } from "#core/model/sample.ts";
import type { ActionResult, ProtocolDriver, WriteResult } from "#protocols/driver.ts";
import { AwakeClock } from "./awake-clock.ts";
import { type DriverWorkerData, type FromDriver, type ToDriver, threadTime } from "./driver-messages.ts";
import { loadCreate } from "./driver-modules.ts";
import { workerLogger } from "./worker-logger.ts";

/** Most events that wait to be stored: behind a disk that refuses, senders are left to repeat. */
const MAX_STORING = 1_000;
/** Most samples in one message: a huge first read must not hold the gateway's thread for long at once. */
const MAX_MESSAGE_SAMPLES = 2_000;

const port = parentPort;
if (port === null) throw new HubError("DRIVER_WORKER_ALONE", "driver-worker.ts runs only as a worker thread");
const { module, kind, channel, config, folder, beatMs } = workerData as DriverWorkerData;
const tell = (message: FromDriver, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

let waiting: Sample[] = [];
function flush(): void {
  const samples = waiting;
  waiting = [];
  for (let at = 0; at < samples.length; at += MAX_MESSAGE_SAMPLES)
    tell({ kind: "samples", samples: samples.slice(at, at + MAX_MESSAGE_SAMPLES) });
}
function onSamples(samples: readonly Sample[]): void {
  // what one turn of the event loop brings travels as one message
  if (waiting.length === 0) setImmediate(flush);
  for (const sample of samples) waiting.push(sample);
}

/** Keeps the order between samples and what follows them. */
function inOrder(message: FromDriver): void {
  if (waiting.length > 0) flush();
  tell(message);
}

const storing = new Map<number, (stored: boolean) => void>();
let stores = 0;

/** Passes an event on and waits for the gateway's word that it is on the disk. */
async function storeEvent(event: DeviceEvent): Promise<void> {
  const refused = (why: string): HubError =>
    new HubError("EVENT_NOT_STORED", `event ${event.kind} of ${event.device}: ${why}`, { retriable: true });
  if (storing.size >= MAX_STORING) throw refused(`${MAX_STORING} events wait for the disk already`);
  const id = ++stores;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  storing.set(id, resolve);
  inOrder({ kind: "event", event, id });
  if (!(await promise)) throw refused("the gateway's event store does not take it");
}

function tellHistory(samples: readonly Sample[]): void {
  for (let at = 0; at < samples.length; at += MAX_MESSAGE_SAMPLES)
    inOrder({ kind: "history", samples: samples.slice(at, at + MAX_MESSAGE_SAMPLES) });
}

async function load(): Promise<ProtocolDriver> {
  const create = await loadCreate(module, kind);
  return create(config, {
    logger: workerLogger(tell, { channel }),
    clock: new AwakeClock(systemClock),
    onSamples,
    onEvent: (event) => inOrder({ kind: "event", event }),
    storeEvent,
    onConditions: (report) => inOrder({ kind: "conditions", report }),
    onHistory: tellHistory,
    onCertificates: (certificates) => inOrder({ kind: "certificates", certificates }),
    folder,
    onDevice: (state) => inOrder({ kind: "device", state }),
  });
}

function failed(error: unknown): void {
  const retriable = error instanceof HubError && error.retriable;
  inOrder({ kind: "failed", code: errorCode(error), message: errorMessage(error), retriable });
}

/** A driver never throws for what a device does; one that does anyway has failed its request, not its whole channel. */
function thrown(error: unknown): { status: "failed"; code: string; message: string } {
  return { status: "failed", code: errorCode(error), message: errorMessage(error) };
}

/** Nothing was begun, because the request was read after its deadline. */
const TOO_LATE = {
  status: "timeout",
  code: "DRIVER_BUSY",
  message: "the driver was busy until after the request's time",
} as const;

async function answerWrite(driver: ProtocolDriver, message: ToDriver & { kind: "write" }): Promise<void> {
  const leftMs = message.deadline - threadTime();
  const result: WriteResult =
    leftMs <= 0 ? TOO_LATE : await driver.write(message.request, AbortSignal.timeout(Math.ceil(leftMs))).catch(thrown);
  inOrder({ kind: "written", id: message.id, result });
}

async function answerAct(driver: ProtocolDriver, message: ToDriver & { kind: "act" }): Promise<void> {
  const leftMs = message.deadline - threadTime();
  const result: ActionResult =
    leftMs <= 0 ? TOO_LATE : await driver.act(message.request, AbortSignal.timeout(Math.ceil(leftMs))).catch(thrown);
  inOrder({ kind: "acted", id: message.id, result });
}

async function stop(driver: ProtocolDriver): Promise<void> {
  await driver.stop();
  inOrder({ kind: "stopped" });
  port?.close();
}

/** Binds follow each other, so that the newest set of devices is the one that stays. */
let bound: Promise<void> = Promise.resolve();

function bind(driver: ProtocolDriver, devices: (ToDriver & { kind: "bind" })["devices"]): Promise<void> {
  const work = bound.then(() => driver.bind(devices));
  // whoever asked is told of a failure; the next one binds all the same
  bound = work.catch(() => undefined);
  return work;
}

async function handle(driver: ProtocolDriver, message: ToDriver): Promise<void> {
  switch (message.kind) {
    case "start":
      await driver.start(AbortSignal.timeout(message.timeoutMs));
      inOrder({ kind: "started" });
      break;
    case "bind":
      await bind(driver, message.devices);
      break;
    case "write":
      await answerWrite(driver, message);
      break;
    case "act":
      await answerAct(driver, message);
      break;
    case "eventStored":
      storing.get(message.id)?.(message.stored);
      storing.delete(message.id);
      break;
    case "stop":
      await stop(driver);
      break;
    default:
      message satisfies never;
  }
}

try {
  const driver = await load();
  setInterval(() => {
    tell({ kind: "beat", counters: { ...driver.counters() }, heapBytes: process.memoryUsage().heapUsed });
  }, beatMs);
  port.on("message", (message: ToDriver) => {
    handle(driver, message).catch(failed);
  });
  tell({ kind: "loaded" });
} catch (error) {
  failed(error);
}
