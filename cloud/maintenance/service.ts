import { mayLeaveService } from "#core/alarm/law.ts";
import type { Clock } from "#core/clock.ts";
import {
  LONGEST_PERMIT_MS,
  type PermitDecision,
  type PermitRequest,
  type PermitStatus,
  type PermitView,
} from "#core/contracts/maintenance.ts";
import { DueTimer, doEach } from "#core/due-timer.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Alarm } from "#core/model/alarm.ts";
import { personOf } from "#core/person.ts";
import type {
  AlarmKeeping,
  AlarmTold,
  MaintenanceService,
  PermitDirectory,
  PermitListener,
  PermitTimes,
} from "../alarm-ports.ts";
import type { Db } from "../db/database.ts";
import type { Actor, AuditLog, PageRequest, PageResult, SiteCatalog } from "../ports.ts";
import { Holding } from "./holding.ts";
import { type Permit, type PermitScope, PermitStore, permitView } from "./store.ts";

/** Permits that have yet to come to an end: each is looked at with every alarm. */
const MOST_OPEN = 200;
/** A request may begin a little in the past: the clocks of browsers differ, and so does the time it takes to fill in a form. */
const LATE_MS = 60 * 60 * 1000;
const NOTHING = (): void => {};

export interface MaintenanceDeps {
  readonly db: Db;
  readonly catalog: Pick<SiteCatalog, "spaces">;
  readonly alarms: AlarmKeeping;
  /** A space and all that lies below it. */
  readonly below: (space: string) => ReadonlySet<string>;
  readonly audit: Pick<AuditLog, "append">;
  /** Told each permit that has ended after it was active. */
  readonly ended: PermitListener;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Maintenance permits: alarms of some places and classes are out of service for a time, because somebody has asked for it and
 * somebody else has approved it. Each begins and ends by itself, also after a restart, and tells at its end what it held back.
 * [ISA-18.2 out of service; never for panic, GB 50394 5.2.4]
 */
export class Maintenance implements MaintenanceService, PermitDirectory, PermitTimes {
  readonly #deps: MaintenanceDeps;
  readonly #store: PermitStore;
  readonly #holding: Holding;
  readonly #timer: DueTimer;
  /** The active ones, as the database has them. */
  #active: readonly Permit[] = [];

  constructor(deps: MaintenanceDeps) {
    this.#deps = deps;
    const { db, alarms, below, logger, clock } = deps;
    this.#store = new PermitStore(db);
    this.#holding = new Holding({ store: this.#store, alarms, below, logger });
    this.#timer = new DueTimer(
      clock,
      (now) => this.#due(now),
      (error) => logger.error({ err: error }, "maintenance permits cannot be looked after, trying again"),
    );
    this.#reload();
  }

  /** Takes up what a former process has left: what began or ended meanwhile, and alarms that it had no time to hold back. */
  start(): void {
    this.#timer.start();
    const now = this.#deps.clock.now();
    for (const permit of this.#active) this.#commit(() => this.#holding.begin(permit, now));
  }

  stop(): void {
    this.#timer.stop();
  }

  permitOf(alarm: Pick<Alarm, "area" | "category" | "definition">): string | undefined {
    return this.#active.find((permit) => this.#holding.covers(permit, alarm))?.id;
  }

  beganAt(permit: string): number | undefined {
    return this.#store.get(permit)?.started_at ?? undefined;
  }

  /** An alarm listener: what is raised under a permit is held back with the transaction that stores it. */
  told = ({ alarm, transition }: AlarmTold): (() => void) | undefined => {
    if (transition !== "raised" && transition !== "reAlarmed") return undefined;
    const permit = this.#active.find((one) => this.#holding.covers(one, alarm));
    return (
      permit && this.#holding.hold(permit, alarm, { now: this.#deps.clock.now(), raised: transition === "raised" })
    );
  };

  list(query: PageRequest & { readonly open?: boolean }, visible: "all" | ReadonlySet<string>): PageResult<PermitView> {
    const seen = (space: string | undefined): boolean =>
      visible === "all" || (space !== undefined && visible.has(space));
    const page = this.#store.page(query, ({ areas }) => areas.some(seen));
    return {
      ...page,
      items: page.items.map((permit) => {
        const digest = permit.status === "active" ? this.#holding.digest(permit) : permit.digest;
        return permitView(
          permit,
          digest === null ? null : { ...digest, items: digest.items.filter(({ area }) => seen(area)) },
        );
      }),
    };
  }

  scopeOf(id: string): PermitScope | undefined {
    return this.#store.get(id)?.scope;
  }

  request(request: PermitRequest, actor: Actor): PermitView {
    const { clock, catalog } = this.#deps;
    const now = clock.now();
    const { areas, categories = [], definitions = [], reason, workOrder } = request;
    const from = request.from === undefined ? now : Date.parse(request.from);
    const until = Date.parse(request.until);
    if (!(from >= now - LATE_MS && until > now && until > from && until - from <= LONGEST_PERMIT_MS))
      throw new InvalidInputError("PERMIT_TIME_INVALID", "a permit begins now or later and lasts at most seven days");
    if (reason.trim() === "") throw new InvalidInputError("PERMIT_SCOPE_INVALID", "a permit needs a reason");
    if (categories.length + definitions.length === 0)
      throw new InvalidInputError(
        "PERMIT_SCOPE_INVALID",
        "a permit names at least one class of alarms or one definition",
      );
    const forbidden = categories.filter((category) => !mayLeaveService(category));
    if (forbidden.length > 0)
      throw new HubError("PERMIT_SCOPE_FORBIDDEN", `alarms of class ${forbidden.join(", ")} are always in service`);
    const spaces = new Set<string>(catalog.spaces().map(({ id }) => id));
    const unknown = areas.filter((area) => !spaces.has(area));
    if (unknown.length > 0) throw new InvalidInputError("SPACE_UNKNOWN", `no such space: ${unknown.join(", ")}`);
    if (this.#store.open().length >= MOST_OPEN)
      throw new HubError("PERMIT_LIMIT", `${MOST_OPEN} permits have yet to come to an end`);
    const unique = <T>(list: readonly T[]): T[] => [...new Set(list)];
    const permit: Permit = {
      id: newId(now),
      status: "requested",
      scope: { areas: unique(areas), categories: unique(categories), definitions: unique(definitions) },
      from_at: from,
      until_at: until,
      reason,
      work_order: workOrder ?? null,
      requested_by: actor.name,
      requested_at: now,
      decided_by: null,
      decided_at: null,
      decision: null,
      started_at: null,
      ended_at: null,
      ended_by: null,
      digest: null,
    };
    this.#change(permit, "request", actor, { scope: permit.scope, from, until, reason });
    this.#timer.expect(until);
    return permitView(permit);
  }

  approve(id: string, decision: PermitDecision, actor: Actor): PermitView {
    const permit = this.#known(id, ["requested"]);
    if (personOf(permit.requested_by) === personOf(actor.name)) {
      this.#audit("approve", permit, actor, "refused", { code: "PERMIT_SAME_PERSON" });
      throw new HubError("PERMIT_SAME_PERSON", `permit ${id}: who asked for it cannot approve it`);
    }
    const approved = this.#decided(permit, "approved", decision, actor);
    this.#timer.expect(approved.from_at);
    // One whose time has come begins with the approval.
    if (approved.from_at <= this.#deps.clock.now()) this.#begin(approved, this.#deps.clock.now());
    return this.#view(id);
  }

  reject(id: string, decision: PermitDecision, actor: Actor): PermitView {
    this.#decided(this.#known(id, ["requested"]), "rejected", decision, actor);
    return this.#view(id);
  }

  end(id: string, decision: PermitDecision, actor: Actor): PermitView {
    const permit = this.#known(id, ["requested", "approved", "active"]);
    const now = this.#deps.clock.now();
    const said = decision.comment === undefined ? {} : { comment: decision.comment };
    if (permit.status === "active") this.#end(permit, now, actor, said);
    else this.#change({ ...permit, status: "withdrawn", ended_at: now, ended_by: actor.name }, "end", actor, said);
    return this.#view(id);
  }

  #known(id: string, statuses: readonly PermitStatus[]): Permit {
    const permit = this.#store.get(id);
    if (permit === undefined) throw new HubError("PERMIT_UNKNOWN", `permit ${id}: no such permit`);
    if (!statuses.includes(permit.status))
      throw new HubError("PERMIT_STATUS", `permit ${id} is ${permit.status}: expected ${statuses.join(" or ")}`);
    return permit;
  }

  #view(id: string): PermitView {
    const permit = this.#known(id, ["requested", "approved", "active", "ended", "rejected", "withdrawn", "lapsed"]);
    return permitView(permit, permit.status === "active" ? this.#holding.digest(permit) : permit.digest);
  }

  #decided(permit: Permit, status: "approved" | "rejected", { comment }: PermitDecision, actor: Actor): Permit {
    const decided = { decided_by: actor.name, decided_at: this.#deps.clock.now(), decision: comment ?? null };
    const changed: Permit = { ...permit, ...decided, status };
    const said = comment === undefined ? {} : { comment };
    this.#change(changed, status === "approved" ? "approve" : "reject", actor, said);
    return changed;
  }

  #change(permit: Permit, action: string, actor: Actor, detail: Readonly<Record<string, unknown>>): void {
    this.#deps.db.sync.transaction(() => {
      this.#store.put(permit);
      this.#audit(action, permit, actor, "ok", detail);
    });
  }

  #audit(
    action: string,
    { id }: Permit,
    { name, ip }: Pick<Actor, "name" | "ip">,
    result: "ok" | "refused",
    detail: Readonly<Record<string, unknown>>,
  ): void {
    this.#deps.audit.append({
      actor: name,
      action: `permit.${action}`,
      target: id,
      result,
      detail: { ...detail },
      ...(ip === undefined ? {} : { ip }),
    });
  }

  /** Begins and ends what is due. Gives the next time. */
  #due(now: number): number | undefined {
    doEach(this.#store.open(), (permit) => {
      if (permit.until_at <= now) this.#over(permit, now);
      else if (permit.status === "approved" && permit.from_at <= now) this.#begin(permit, now);
    });
    const next = this.#store
      .open()
      .map(({ status, from_at: from, until_at: until }) => (status === "approved" ? from : until));
    return next.length === 0 ? undefined : Math.min(...next);
  }

  #over(permit: Permit, now: number): void {
    // One that was approved and never begun, because no process lived all the while, has held nothing back.
    if (permit.status === "active") this.#end(permit, now, undefined, {});
    else this.#change({ ...permit, status: "lapsed", ended_at: now }, "lapse", { name: "system", grants: [] }, {});
  }

  #begin(permit: Permit, now: number): void {
    this.#commit(() => {
      const begun: Permit = { ...permit, status: "active", started_at: now };
      this.#store.put(begun);
      this.#audit("begin", permit, { name: `permit:${permit.id}` }, "ok", {});
      this.#active = [...this.#active, begun];
      return this.#holding.begin(begun, now);
    });
    this.#timer.expect(permit.until_at);
  }

  #end(permit: Permit, now: number, actor: Actor | undefined, detail: Readonly<Record<string, unknown>>): void {
    this.#commit(() => {
      const digest = this.#holding.digest(permit);
      const ended: Permit = { ...permit, status: "ended", ended_at: now, ended_by: actor?.name ?? null, digest };
      this.#active = this.#active.filter(({ id }) => id !== permit.id);
      const unheard = this.#holding.unheard(permit, this.#active);
      const released = this.#holding.release(permit, this.#active, now);
      this.#store.put(ended);
      const counts = { alarms: digest.alarms, raised: digest.raised, active: digest.active };
      this.#audit("end", permit, actor ?? { name: `permit:${permit.id}` }, "ok", { ...detail, ...counts });
      const told = this.#deps.ended(permitView(ended), unheard) ?? NOTHING;
      return () => {
        released();
        told();
      };
    });
  }

  /** Does work as one transaction; what it returns runs after COMMIT, and then all that it touched is shown anew. */
  #commit(work: () => () => void): void {
    try {
      this.#deps.db.sync.transaction<() => void>(work)();
    } finally {
      this.#reload();
    }
  }

  /** What is active is what the database says: a transaction that was rolled back has begun and ended nothing. */
  #reload(): void {
    this.#active = this.#store.open().filter(({ status }) => status === "active");
  }
}
