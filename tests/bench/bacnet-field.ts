import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import type { DeviceOrder, DeviceReport } from "./bacnet-devices.ts";

const taskset = (...args: readonly string[]) => spawnSync("taskset", args, { encoding: "utf8" });

/** The devices of a bench, in a process of their own. */
export class BacnetField {
  readonly #child: ChildProcess = fork(new URL("./bacnet-devices.ts", import.meta.url));
  #orders: Promise<unknown> = Promise.resolve();

  /** Opens so many devices more and gives the UDP ports of all on loopback. */
  async open(devices: number): Promise<readonly number[]> {
    return (await this.order({ do: "open", devices })).ports ?? [];
  }

  /** Has an order performed. */
  order(order: DeviceOrder): Promise<DeviceReport> {
    const report = this.#orders.then(async () => {
      const reported = once(this.#child, "message");
      this.#child.send(order);
      const [told] = (await reported) as [DeviceReport];
      return told;
    });
    this.#orders = report.catch(() => undefined);
    return report;
  }

  /** Puts the devices on a core. False where that cannot be done. */
  pin(core: string): boolean {
    return taskset("-apc", core, String(this.#child.pid)).status === 0;
  }

  close(): void {
    this.#child.kill();
  }
}

/** Two cores, the first of which is this process's own until `release`. */
export interface Cores {
  readonly ours: string;
  readonly others: string;
  release(): void;
}

/** Puts this process on one core; undefined where there is no second one or it cannot be done. */
export function takeCore(): Cores | undefined {
  const allowed = /: (\S+)\s*$/.exec(taskset("-pc", String(process.pid)).stdout ?? "")?.[1] ?? "";
  const [, ours, others] = /^(\d+)[-,](?:.*\D)?(\d+)$/.exec(allowed) ?? [];
  if (ours === undefined || others === undefined) return undefined;
  if (taskset("-apc", ours, String(process.pid)).status !== 0) return undefined;
  return { ours, others, release: () => void taskset("-apc", allowed, String(process.pid)) };
}
