import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { systemClock } from "#core/clock.ts";
import { deviceId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { BacnetAddress, BacnetDevice } from "#protocols/bacnet/config.ts";
import { create } from "#protocols/bacnet/driver.ts";
import type { DeviceBinding } from "#protocols/driver.ts";
import { FIRST_INSTANCE } from "./bacnet-devices.ts";
import type { BacnetField } from "./bacnet-field.ts";

/** What the driver did with many devices. */
export interface Park {
  /** From the devices' restart until every point was read anew and every subscription made again. */
  readonly resyncMs: number;
  /** The same from the binding of unknown devices. */
  readonly firstSyncMs: number;
  /** Confirmed notifications a second that became samples and were acknowledged. */
  readonly covPerS: number;
  /** Heap and buffers that 1000 points take with their devices, sessions and subscriptions. */
  readonly mbPer1kPoints: number;
}

const INPUTS = 50;
const RESTARTED = 55;
/** Devices that notify, and how many notifications each has on its way. */
const NOTIFIERS_WINDOW = 2;
const WARM_UP_MS = 500;
const PATIENCE_MS = 60_000;
const LOOK_MS = 20;
const APDU_TIMEOUT_MS = 1000;

const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

async function until(done: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const startedAt = performance.now();
  while (!(await done())) {
    if (performance.now() - startedAt > PATIENCE_MS) throw new Error(`the bench waits in vain: ${what}`);
    await wait(LOOK_MS);
  }
}

function usedMb(): number {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024 / 1024;
}

function bindingOf(port: number, index: number): DeviceBinding<BacnetDevice, BacnetAddress> {
  const device = deviceId(`bench/gw/d-${index}`);
  return {
    device,
    config: { instance: FIRST_INSTANCE + index, address: { host: "127.0.0.1", port } },
    points: Array.from({ length: INPUTS }, (_, instance) => ({
      point: pointId(`${device}/i-${instance}`),
      address: { objectType: "analog-input", instance },
      writable: false,
    })),
  };
}

/** Binds the devices to the real driver, lets all of them restart, then notify. */
export async function park(field: BacnetField, ports: readonly number[], durationMs: number): Promise<Park> {
  const folder = mkdtempSync(path.join(tmpdir(), "parkhub-bench-bacnet-"));
  const points = ports.length * INPUTS;
  let samples = 0;
  let restarted = 0;
  const before = usedMb();
  const bindings = ports.map(bindingOf);
  const driver = create(
    { bind: { host: "127.0.0.1" }, covConfirmed: true, pollMs: 60_000, apduTimeoutMs: APDU_TIMEOUT_MS },
    {
      logger: silentLogger,
      clock: systemClock,
      folder,
      onSamples(batch) {
        samples += batch.length;
        for (const { value } of batch) if (value === RESTARTED) restarted += 1;
      },
      onEvent() {},
      async storeEvent() {},
      onConditions() {},
      onHistory() {},
      onCertificates() {},
      onDevice() {},
    },
  );
  const subscribed = async (): Promise<boolean> => ((await field.order({ do: "count" })).subscriptions ?? 0) >= points;
  try {
    await driver.start(AbortSignal.timeout(5000));
    let startedAt = performance.now();
    await driver.bind(bindings);
    await until(async () => samples >= points && (await subscribed()), "for the first values and subscriptions");
    const firstSyncMs = performance.now() - startedAt;
    const mbPer1kPoints = ((usedMb() - before) / points) * 1000;
    // an I-Am soon after the first is no restart
    await wait(2 * APDU_TIMEOUT_MS);
    startedAt = performance.now();
    await field.order({ do: "restart", value: RESTARTED });
    await until(async () => restarted >= points && (await subscribed()), "for the values after the restart");
    const resyncMs = performance.now() - startedAt;
    await field.order({ do: "notify", inputs: INPUTS, window: NOTIFIERS_WINDOW });
    await wait(WARM_UP_MS);
    const acknowledged = async (): Promise<number> => (await field.order({ do: "count" })).acknowledged ?? 0;
    const [first, firstSamples] = [await acknowledged(), samples];
    startedAt = performance.now();
    await wait(durationMs);
    const seconds = (performance.now() - startedAt) / 1000;
    const [told, taken] = [(await acknowledged()) - first, samples - firstSamples];
    await field.order({ do: "stop" });
    return { resyncMs, firstSyncMs, covPerS: Math.min(told, taken) / seconds, mbPer1kPoints };
  } finally {
    await driver.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
