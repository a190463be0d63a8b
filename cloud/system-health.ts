import type { Clock } from "#core/clock.ts";
import type { CertificateView } from "#core/contracts/gateways.ts";
import type { Logger } from "#core/logger.ts";
import type { Alarms } from "./alarms/service.ts";
import type { PartState } from "./api/deps.ts";
import type { JobCounts } from "./job-ports.ts";

const LOOK_MS = 10_000;
/** More jobs than these wait only when they are not done. */
const BACKLOG = 1000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** A certificate that ends within so long is to be renewed. */
const RENEW_MS = 30 * DAY_MS;
/** A gateway's clock is wrong when it differs from ours by so much, and right again below the lesser, ms. [GB 50396-2007 5.1.3] */
const CLOCK_OFF_MS = 5000;
const CLOCK_RIGHT_MS = 4000;
/** What was put into quarantine is told for so long after the last of it. */
const QUARANTINE_MS = 60 * 60 * 1000;

/** One kind of alarm of the hub itself. */
type Kind = Parameters<Alarms["systemTrouble"]>[0];

/** Parts of `/readyz` whose trouble is an alarm. */
const PARTS: Readonly<Record<string, Kind>> = {
  records: "records",
  telemetry: "telemetryStore",
  broker: "broker",
  jobs: "jobs",
};

/** What is wrong now: why, and what it is about. */
interface Wrong {
  readonly reason: string;
  readonly name?: string;
}

export interface SystemHealthDeps {
  readonly alarms: Pick<Alarms, "systemTrouble" | "systemTroubles">;
  readonly parts: () => Readonly<Record<string, PartState>>;
  readonly jobs: { counts(): Promise<JobCounts> };
  readonly gateways: () => readonly { readonly id: string; readonly quarantined: number }[];
  /** Clock of a gateway minus ours, ms; undefined where it has not been heard. */
  readonly clockOffsetOf: (gateway: string) => number | undefined;
  readonly certificatesOf: (gateway: string) => readonly CertificateView[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Looks after the hub itself and tells its alarms what changes: store, records, broker, jobs, certificates, quarantine. A part
 * that goes wrong is told once, and once that it is well again. Part of the composition root.
 */
export class SystemHealth {
  readonly #deps: SystemHealthDeps;
  /** Subjects of each kind that were told to be wrong. */
  readonly #told = new Map<Kind, Set<string>>();
  /** How much each gateway had in quarantine, and when that grew. */
  readonly #quarantine = new Map<string, { count: number; grewAt: number | undefined }>();
  #cancel: (() => void) | undefined;
  #looking = false;
  #failing = false;

  constructor(deps: SystemHealthDeps) {
    this.#deps = deps;
  }

  start(): void {
    if (this.#cancel !== undefined) return;
    this.#cancel = this.#deps.clock.every(LOOK_MS, () => void this.look());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Looks once. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { logger } = this.#deps;
    try {
      this.#parts();
      this.#kind("certificate", this.#certificates());
      this.#kind("quarantine", this.#quarantined());
      this.#kind("gatewayClock", this.#clocks());
      await this.#jobs();
      this.#failing = false;
    } catch (error) {
      // The part that does not answer is told as such by another look.
      if (!this.#failing) logger.warn({ err: error }, "the hub cannot look after itself, trying again");
      this.#failing = true;
    } finally {
      this.#looking = false;
    }
  }

  #parts(): void {
    for (const [part, { ready, detail }] of Object.entries(this.#deps.parts())) {
      const kind = PARTS[part];
      if (kind !== undefined)
        this.#kind(kind, ready ? new Map() : new Map([["hub", { reason: detail ?? "not ready" }]]));
    }
  }

  async #jobs(): Promise<void> {
    const { dead, waiting } = await this.#deps.jobs.counts();
    this.#kind("jobsDead", dead === 0 ? new Map() : new Map([["hub", { reason: `${dead}` }]]));
    this.#kind("jobsBacklog", waiting <= BACKLOG ? new Map() : new Map([["hub", { reason: `${waiting}` }]]));
  }

  #certificates(): ReadonlyMap<string, Wrong> {
    const before = this.#deps.clock.now() + RENEW_MS;
    const wrong = new Map<string, Wrong>();
    for (const { id } of this.#deps.gateways())
      for (const { channel, thumbprint, subject, notAfter, trust } of this.#deps.certificatesOf(id))
        if (trust !== "rejected" && Date.parse(notAfter) < before)
          wrong.set(`${channel}/${thumbprint}`, { reason: notAfter, name: `${channel} ${subject}`.slice(0, 200) });
    return wrong;
  }

  /** What is not known, since the gateway has not been heard, stays as it was told. */
  #clocks(): ReadonlyMap<string, Wrong> {
    const { alarms, gateways, clockOffsetOf } = this.#deps;
    const told = this.#told.get("gatewayClock") ?? new Set(alarms.systemTroubles("gatewayClock"));
    const wrong = new Map<string, Wrong>();
    for (const { id } of gateways()) {
      const offsetMs = clockOffsetOf(id);
      const off =
        offsetMs === undefined ? told.has(id) : Math.abs(offsetMs) > (told.has(id) ? CLOCK_RIGHT_MS : CLOCK_OFF_MS);
      if (off) wrong.set(id, { reason: `${Math.round((offsetMs ?? 0) / 1000)} s` });
    }
    return wrong;
  }

  #quarantined(): ReadonlyMap<string, Wrong> {
    const now = this.#deps.clock.now();
    const wrong = new Map<string, Wrong>();
    for (const { id, quarantined } of this.#deps.gateways()) {
      const before = this.#quarantine.get(id);
      const grew = before !== undefined && quarantined > before.count;
      const grewAt = grew ? now : before?.grewAt;
      this.#quarantine.set(id, { count: quarantined, grewAt });
      if (grewAt !== undefined && now - grewAt < QUARANTINE_MS) wrong.set(id, { reason: `${quarantined}` });
    }
    return wrong;
  }

  /** What of a kind is wrong now; of whatever else was wrong of it, also in a former process, it is told that it is well. */
  #kind(kind: Kind, wrong: ReadonlyMap<string, Wrong>): void {
    const { alarms, clock } = this.#deps;
    const told = this.#told.get(kind) ?? new Set(alarms.systemTroubles(kind));
    this.#told.set(kind, told);
    for (const [subject, { reason, name }] of wrong) {
      if (told.has(subject)) continue;
      alarms.systemTrouble(kind, subject, { at: clock.now(), reason, ...(name === undefined ? {} : { name }) });
      told.add(subject);
    }
    for (const subject of [...told].filter((one) => !wrong.has(one))) {
      alarms.systemTrouble(kind, subject, undefined);
      told.delete(subject);
    }
  }
}
