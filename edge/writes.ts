import type { Clock } from "#core/clock.ts";
import type { PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Value } from "#core/model/sample.ts";
import type { WriteResult } from "#protocols/driver.ts";
import type { Outbox } from "./outbox.ts";
import type { Pipeline } from "./pipeline.ts";
import type { Supervisor } from "./supervisor.ts";

const LEASE = "lease";
const RELINQUISH_TIMEOUT_MS = 10_000;
const RETRY_MS = 5_000;

/** A value that a linkage holds for a time. It is given back by itself, also after a restart. */
interface Lease {
  readonly point: PointId;
  readonly priority: number;
  /** Unix ms. */
  readonly until: number;
  /** What the point held before, for protocols that cannot relinquish; undefined when it was not known. */
  readonly former?: Value;
}

/** A write in engineering units. */
export interface PointWrite {
  readonly point: PointId;
  readonly value: Value;
  readonly priority: number;
  readonly timeoutMs: number;
  /** Give it back by itself after so long, ms. */
  readonly leaseMs?: number;
  /** For whom: user name, `token:<name>`, `rule:<id>`. */
  readonly owner?: string;
}

export interface WritesOptions {
  readonly pipeline: Pipeline;
  readonly supervisor: Pick<Supervisor, "write">;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The one way to write a point: checks it, unscales, writes, reads back, and keeps leases. */
export class Writes {
  readonly #options: WritesOptions;
  readonly #leases = new Map<string, Lease>();
  readonly #timers = new Map<string, () => void>();
  #stopped = false;

  constructor(options: WritesOptions) {
    this.#options = options;
  }

  /** Takes up the leases of a former process; those that ran out meanwhile are given back at once. */
  start(): void {
    for (const [key, lease] of this.#options.outbox.records(LEASE)) this.#hold(key, lease as Lease);
  }

  /** Writes and reads back, in engineering units. Refused before anything reaches a device where the point forbids it. */
  async write(request: PointWrite): Promise<WriteResult> {
    const { point, value, priority, timeoutMs, leaseMs, owner } = request;
    const { pipeline, supervisor, clock } = this.#options;
    const checked = pipeline.toRaw(point, value);
    if ("code" in checked) return { status: "rejected", ...checked };
    const key = `${point} ${priority}`;
    const older = this.#leases.get(key);
    // before the write: a crash in between gives back what was perhaps never written, which does no harm
    if (leaseMs !== undefined) this.#grant(key, { point, priority, until: clock.now() + leaseMs }, point);
    // a person's or another rule's later value is not taken back by an older lease
    else if (older !== undefined) this.#end(key);
    // a driver that can relinquish keeps the lease too: it outlives the point's leaving the configuration
    const held = { ...(owner === undefined ? {} : { owner }), ...(leaseMs === undefined ? {} : { leaseMs }) };
    const result = await supervisor.write({ point, value: checked.raw, priority, ...held }, timeoutMs);
    const unwritten = result.status === "rejected" || result.status === "failed";
    // nothing took the leased value's place, so it is still to be given back
    if (unwritten && leaseMs === undefined && older !== undefined && !this.#leases.has(key)) this.#keep(key, older);
    if (result.status !== "done") return result;
    return { status: "done", readBack: pipeline.toEngineering(point, result.readBack) };
  }

  #grant(key: string, lease: Omit<Lease, "former">, point: PointId): void {
    // a lease that is renewed gives back what was there before the first
    const sample = this.#options.pipeline.latest(point);
    const former = this.#leases.get(key)?.former ?? (sample?.quality === "bad" ? undefined : sample?.value);
    const kept: Lease = former === undefined || former === null ? lease : { ...lease, former };
    this.#keep(key, kept);
  }

  #keep(key: string, lease: Lease): void {
    this.#options.outbox.put(LEASE, key, lease);
    this.#options.outbox.commit();
    this.#hold(key, lease);
  }

  #hold(key: string, lease: Lease): void {
    this.#leases.set(key, lease);
    this.#after(key, Math.max(0, lease.until - this.#options.clock.now()));
  }

  #after(key: string, delayMs: number): void {
    this.#timers.get(key)?.();
    const cancel = this.#options.clock.after(Math.min(delayMs, 0x7fff_ffff), () => {
      this.#giveBack(key).catch((error: unknown) =>
        this.#options.logger.error({ lease: key, cause: String(error) }, "lease could not be given back"),
      );
    });
    this.#timers.set(key, cancel);
  }

  #end(key: string): void {
    this.#timers.get(key)?.();
    this.#timers.delete(key);
    this.#leases.delete(key);
    this.#options.outbox.remove(LEASE, key);
  }

  async #giveBack(key: string): Promise<void> {
    const lease = this.#leases.get(key);
    if (lease === undefined || this.#stopped) return;
    const { point, priority, until, former } = lease;
    const { supervisor, pipeline, clock, logger } = this.#options;
    // the wall clock was set back meanwhile
    if (clock.now() < until) {
      this.#after(key, until - clock.now());
      return;
    }
    let result = await supervisor.write({ point, value: null, priority, onlyOurs: true }, RELINQUISH_TIMEOUT_MS);
    if (result.status === "rejected" && former !== undefined) {
      const raw = pipeline.toRaw(point, former);
      if ("raw" in raw) result = await supervisor.write({ point, value: raw.raw, priority }, RELINQUISH_TIMEOUT_MS);
    }
    if (this.#leases.get(key) !== lease || this.#stopped) return;
    if (result.status === "done" || pipeline.point(point) === undefined) {
      this.#end(key);
      return;
    }
    logger.warn({ point, code: result.code, cause: result.message }, "lease not given back yet, trying again");
    this.#after(key, RETRY_MS);
  }

  /** Cancels the timers; the leases stay on the disk. */
  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#timers.values()) cancel();
  }
}
