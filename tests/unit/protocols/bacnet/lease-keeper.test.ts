import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { DeviceMemory } from "#protocols/bacnet/client/memory.ts";
import { type Lease, leaseKey } from "#protocols/bacnet/client/writing/lease.ts";
import { LeaseKeeper } from "#protocols/bacnet/client/writing/lease-keeper.ts";
import {
  decodeReadProperty,
  decodeWriteProperty,
  encodeReadPropertyAck,
} from "#protocols/bacnet/codec/services/property.ts";
import type { BacnetValue } from "#protocols/bacnet/codec/values.ts";
import { Counters } from "#protocols/bacnet/counters.ts";
import type { Outcome, Station } from "#protocols/bacnet/station/ports.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const READ = 12;
const real = (value: number): BacnetValue => ({ type: "real", value });
const HOUR_MS = 3_600_000;
const TWO_MONTHS_MS = 60 * 24 * HOUR_MS;

describe("the keeper of leases", () => {
  let clock: ManualClock;
  let folder: string;
  let slots: Map<number, BacnetValue>;
  let reachable: boolean;
  let asked: number;
  let relinquished: number[];
  let searched: number;
  const opened: { keeper: LeaseKeeper; memory: DeviceMemory }[] = [];

  beforeEach(() => {
    clock = new ManualClock(1_000_000);
    folder = mkdtempSync(path.join(tmpdir(), "bacnet-keeper-"));
    slots = new Map();
    reachable = true;
    asked = 0;
    relinquished = [];
    searched = 0;
  });
  afterEach(() => {
    for (const { keeper, memory } of opened.splice(0)) {
      keeper.close();
      memory.close();
    }
    rmSync(folder, { recursive: true, force: true });
  });

  /** The network below: one object with a priority array. */
  const station: Pick<Station, "request"> = {
    async request({ service, body }): Promise<Outcome> {
      asked++;
      if (!reachable) return { kind: "timeout" };
      if (service === READ) {
        const request = decodeReadProperty(body);
        const values = [slots.get(request.index ?? 0) ?? { type: "null" as const }];
        return { kind: "ack", body: encodeReadPropertyAck({ ...request, values }) };
      }
      const { priority = 16 } = decodeWriteProperty(body);
      relinquished.push(priority);
      slots.delete(priority);
      return { kind: "ack", body: new Uint8Array() };
    },
  };

  function keeper(): LeaseKeeper {
    const memory = new DeviceMemory(folder, silentLogger);
    const made = new LeaseKeeper({
      clock,
      logger: silentLogger,
      counters: new Counters(),
      station: { ...station, announce() {}, routeTo: async () => undefined },
      memory,
      search: () => {
        searched++;
      },
    });
    opened.push({ keeper: made, memory });
    return made;
  }

  function lease(priority: number, expiresAt?: number): Lease {
    return {
      instance: 1001,
      object: { type: 2, instance: 1 },
      priority,
      value: real(21.5),
      point: "park/gw-1/ahu-1/setpoint",
      at: clock.now(),
      where: { host: "10.0.0.9", port: 47_808, station: { net: 7, mac: "0c" } },
      ...(expiresAt === undefined ? {} : { expiresAt }),
    };
  }

  /** Writes as the driver does: the lease first. */
  function held(by: LeaseKeeper, priority: number, expiresAt?: number): void {
    by.hold(lease(priority, expiresAt));
    slots.set(priority, real(21.5));
  }
  const known = new Set([1001]);

  it("gives back the value before it where nobody knows whether a later one was taken", async () => {
    const leases = keeper();
    leases.begin(known, () => true);
    held(leases, 8, clock.now() + 1000);
    // the gateway asked for another value, and no answer came: the former one still stands
    leases.hold({ ...lease(8, clock.now() + 2000), value: real(30) });
    const again = keeper();
    again.begin(known, () => true);
    clock.advance(2001);
    await expect.poll(() => relinquished).toContain(8);
    expect(slots.size).toBe(0);
  });

  it("leaves a former value that stands there again, where the device took ours in between: another wrote it", async () => {
    const leases = keeper();
    leases.begin(known, () => true);
    held(leases, 8, clock.now() + 1000);
    const later: Lease = { ...lease(8, clock.now() + 2000), value: real(30) };
    leases.hold(later);
    leases.taken(leaseKey(later));
    slots.set(8, real(21.5));
    clock.advance(2001);
    await expect.poll(() => leases.leases).toEqual([]);
    expect(relinquished).toEqual([]);
  });

  it("gives back what its owner wrote before, where that owner went away while a later write of it was refused", async () => {
    const leases = keeper();
    leases.begin(known, () => true);
    const first: Lease = { ...lease(8), owner: "rule:r1" };
    leases.hold(first);
    slots.set(8, real(21.5));
    const releasing = await leases.exclusively(leaseKey(first), async () => {
      const before = leases.hold({ ...first, value: real(30) });
      const released = leases.release(({ owner }) => owner === "rule:r1");
      leases.restore(leaseKey(first), before);
      return { released };
    });
    expect(await releasing.released).toEqual(["done"]);
    expect(relinquished).toEqual([8]);
  });

  it("asks a device that is away again and again, ever more rarely, until it was told", async () => {
    const leases = keeper();
    leases.begin(known, () => true);
    held(leases, 8, clock.now() + 1000);
    reachable = false;
    for (let second = 0; second < 3600; second++) {
      clock.advance(1000);
      await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(asked).toBeGreaterThan(8);
    expect(asked).toBeLessThan(30);
    reachable = true;
    leases.reachable(1001, { host: "10.0.0.9", port: 47_808 });
    clock.advance(1);
    await expect.poll(() => relinquished).toEqual([8]);
    expect(leases.leases).toEqual([]);
  });

  it("searches a device that nobody keeps in touch with any more", async () => {
    const leases = keeper();
    leases.begin(new Set(), () => true);
    held(leases, 8, clock.now() + 1000);
    reachable = false;
    clock.advance(1000);
    await expect.poll(() => searched).toBe(1);
  });

  it("does not take its time for over when the wall clock was only set, nor when a timer cannot be so long", async () => {
    const leases = keeper();
    leases.begin(known, () => true);
    held(leases, 8, clock.now() + TWO_MONTHS_MS);
    clock.advance(TWO_MONTHS_MS / 2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toBe(0);
    clock.advance(TWO_MONTHS_MS / 2);
    await expect.poll(() => relinquished).toEqual([8]);
  });

  it("gives back what was on the disk, to the station behind its router", async () => {
    held(keeper(), 8);
    const again = keeper();
    again.begin(known, () => false);
    clock.advance(1);
    await expect.poll(() => relinquished).toEqual([8]);
    const third = keeper();
    expect(third.leases).toEqual([]);
  });

  it("lets giving back and writing of one slot not overtake each other", async () => {
    const leases = keeper();
    leases.begin(known, () => true);
    held(leases, 8, clock.now() + 1000);
    const written = Promise.withResolvers<void>();
    const key = leaseKey(lease(8));
    const write = leases.exclusively(key, async () => {
      await written.promise;
      leases.hold({ ...lease(8), value: real(30) });
      slots.set(8, real(30));
    });
    clock.advance(1000);
    written.resolve();
    await write;
    await new Promise((resolve) => setImmediate(resolve));
    expect(relinquished).toEqual([]);
    expect(leases.leases).toMatchObject([{ value: real(30) }]);
  });

  it("finds nothing of its own where the object is gone", async () => {
    const leases = keeper();
    leases.begin(known, () => true);
    leases.hold(lease(8));
    slots.set(8, { type: "null" });
    expect(await leases.release(() => true)).toEqual(["gone"]);
    expect(relinquished).toEqual([]);
  });

  it("begins anew with a file that is broken, which is moved aside", () => {
    writeFileSync(path.join(folder, "devices.db"), "this is no database, whatever its name says".repeat(100));
    const leases = keeper();
    expect(leases.leases).toEqual([]);
    leases.hold(lease(8));
    expect(keeper().leases).toHaveLength(1);
  });

  it("compares each slot by itself", async () => {
    const leases = keeper();
    leases.begin(known, () => true);
    held(leases, 8);
    held(leases, 9);
    slots.set(9, real(5));
    expect(await leases.release(() => true)).toEqual(["done", "gone"]);
    expect([...slots.keys()]).toEqual([9]);
  });
});
