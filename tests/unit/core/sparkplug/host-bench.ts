import { afterEach, expect } from "vitest";
import type { HostOutput } from "#core/sparkplug/host-output.ts";
import { HostSession, type HostSessionOptions } from "#core/sparkplug/host-session.ts";
import { DataType, encodePayload, type Metric } from "#core/sparkplug/payload.ts";
import { ManualClock } from "#tests/manual-clock.ts";

export const T = 1_700_000_000_000;
export const NODE = "park/gw-1";
export const REORDER_MS = 3000;

/** A host application and one edge node on the other side of the wire. */
export class Bench {
  readonly clock = new ManualClock(T);
  readonly timedOut: HostOutput[] = [];
  readonly host: HostSession;

  constructor(options: Partial<HostSessionOptions> = {}) {
    this.host = new HostSession({
      host: "hub",
      clock: this.clock,
      reorderTimeoutMs: REORDER_MS,
      onTimeout: (outputs) => this.timedOut.push(...outputs),
      ...options,
    });
  }

  send(path: string, seq: number | undefined, metrics: readonly Metric[]): HostOutput[] {
    const payload = encodePayload({ timestamp: this.clock.now() - 10, metrics, seq });
    return this.host.receive(`spBv1.0/park/${path}`, payload, this.clock.now());
  }
  nbirth(bdSeq = 0, metrics: readonly Metric[] = [], seq = 0): HostOutput[] {
    const own: Metric = { name: "bdSeq", timestamp: T, datatype: DataType.Int64, value: bdSeq };
    return this.send("NBIRTH/gw-1", seq, [own, ...metrics]);
  }
  ndeath(bdSeq: number): HostOutput[] {
    return this.send("NDEATH/gw-1", undefined, [{ name: "bdSeq", datatype: DataType.Int64, value: bdSeq }]);
  }
  dbirth(seq: number, alias = 11, name = "supplyTemp"): HostOutput[] {
    return this.send("DBIRTH/gw-1/ahu-1", seq, [{ name, alias, timestamp: T, datatype: DataType.Double, value: 18 }]);
  }
  ddata(seq: number, value: number, alias = 11): HostOutput[] {
    return this.send("DDATA/gw-1/ahu-1", seq, [{ alias, timestamp: T + seq, value }]);
  }
  /** NBIRTH (seq 0) and DBIRTH (seq 1). */
  born(): this {
    this.nbirth();
    this.dbirth(1);
    return this;
  }
}

const benches: Bench[] = [];
/** A bench that is closed after its test. */
export function bench(options: Partial<HostSessionOptions> = {}): Bench {
  const created = new Bench(options);
  benches.push(created);
  return created;
}
afterEach(() => {
  for (const { host, clock } of benches.splice(0)) {
    host.close();
    expect(clock.pending).toBe(0);
  }
});

/** The type of each output. */
export const types = (outputs: readonly HostOutput[]): string[] => outputs.map(({ type }) => type);
/** The first value of each data output. */
export const values = (outputs: readonly HostOutput[]): unknown[] =>
  outputs.flatMap((output) => (output.type === "data" ? [output.metrics[0]?.value] : []));
/** Why rebirths were asked for. */
export const reasons = (outputs: readonly HostOutput[]): string[] =>
  outputs.flatMap((output) => (output.type === "rebirthNeeded" ? [output.reason] : []));
