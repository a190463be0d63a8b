import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Clock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import type { SignalValue } from "#simulators/device.ts";
import { type Park, type ParkOptions, startPark } from "#simulators/start.ts";

/** A park in a folder of its own, and what a test asks it. */
export interface DeskPark extends Park {
  readonly dataDir: string;
  value(device: string, signal: string): SignalValue | undefined;
}

/** A new folder; `remove` takes it away. */
export function dataFolder(): { readonly dataDir: string; remove(): void } {
  const dataDir = mkdtempSync(path.join(tmpdir(), "parkhub-sim-"));
  return { dataDir, remove: () => rmSync(dataDir, { recursive: true, force: true }) };
}

/** Starts a park on free loopback ports; `close` also removes its folder. */
export async function parkOnADesk(clock: Clock, options: Partial<ParkOptions> = {}): Promise<DeskPark> {
  const { dataDir, remove } = dataFolder();
  const park = await startPark({
    dataDir,
    controlHost: "127.0.0.1",
    controlPort: 0,
    mqttTarget: { host: "127.0.0.1", port: 9 },
    logger: silentLogger,
    clock,
    ...options,
  });
  return {
    ...park,
    dataDir,
    value: (device, signal) => park.field.deviceState(device).signals[signal]?.value,
    close: async () => {
      await park.close();
      remove();
    },
  };
}
