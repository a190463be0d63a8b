import { mayLeaveService } from "#core/alarm/law.ts";
import { DIGEST_ALARMS, type HeldAlarm, type PermitDigest } from "#core/contracts/maintenance.ts";
import { HubError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { Alarm } from "#core/model/alarm.ts";
import type { AlarmKeeping } from "../alarm-ports.ts";
import type { Permit, PermitStore } from "./store.ts";

const NOTHING = (): void => {};

export interface HoldingDeps {
  readonly store: PermitStore;
  readonly alarms: AlarmKeeping;
  /** A space and all that lies below it. */
  readonly below: (space: string) => ReadonlySet<string>;
  readonly logger: Logger;
}

/** Who acts for a permit, in the journal and towards gateways. */
function actorOf(permit: Permit): { name: string; grants: [] } {
  return { name: `permit:${permit.id}`, grants: [] };
}

/** Takes alarms out of service for a permit and returns them, by the same way as a person's act goes. */
export class Holding {
  readonly #deps: HoldingDeps;

  constructor(deps: HoldingDeps) {
    this.#deps = deps;
  }

  /** Is the permit about this alarm? Never about one that the law keeps in service. [GB 50394 5.2.4] */
  covers({ scope }: Permit, { area, category, definition }: Pick<Alarm, "area" | "category" | "definition">): boolean {
    if (!mayLeaveService(category) || area === undefined) return false;
    if (!scope.categories.includes(category) && !scope.definitions.includes(definition)) return false;
    return scope.areas.some((one) => this.#deps.below(one).has(area));
  }

  /** A permit begins, or its process does: what is open of it and not yet held back. Inside a transaction. */
  begin(permit: Permit, now: number): () => void {
    const after = this.#deps.alarms
      .open()
      .filter((alarm) => this.covers(permit, alarm))
      .map((alarm) => {
        const held = this.#deps.store.heldOf(permit.id, alarm.id);
        const after = held === undefined ? this.hold(permit, alarm, { now, raised: false }) : NOTHING;
        return this.#shown(alarm.id, after);
      });
    return all(after);
  }

  /** Holds an alarm back. Inside a transaction. */
  hold(permit: Permit, alarm: Alarm, { now, raised }: { readonly now: number; readonly raised: boolean }): () => void {
    const { store, alarms, logger } = this.#deps;
    const before = store.heldOf(permit.id, alarm.id);
    let after = NOTHING;
    let taken = before?.taken ?? 0;
    if (!alarm.suppression.includes("outOfService")) {
      const reason = [permit.work_order, permit.reason].filter((part) => part !== null && part !== "").join(": ");
      try {
        const act = { occurrence: alarm.occurrence, comment: reason.slice(0, 500) };
        after = alarms.actWithin(alarm.id, "outOfService", act, actorOf(permit));
        taken = 1;
      } catch (error) {
        if (!ofTheAlarm(error)) throw error;
        logger.warn({ permit: permit.id, alarm: alarm.id, err: error }, "a permit cannot hold an alarm back");
      }
    }
    store.putHeld({
      permit: permit.id,
      alarm: alarm.id,
      occurrence: alarm.occurrence,
      raised: (before?.raised ?? 0) + (raised ? 1 : 0),
      taken,
      held_at: before?.held_at ?? now,
    });
    return after;
  }

  /** Returns to service what the permit has taken out of it, but for what another one of these holds back too. Inside a transaction. */
  release(permit: Permit, others: readonly Permit[], now: number): () => void {
    const { store, alarms, logger } = this.#deps;
    const rows = store.held(permit.id).filter(({ taken }) => taken === 1);
    const known = alarms.alarms(rows.map(({ alarm }) => alarm));
    const after = rows.map(({ alarm: id }) => {
      const alarm = known.get(id);
      if (alarm === undefined) return NOTHING;
      const other = others.find((one) => this.covers(one, alarm));
      if (other !== undefined) {
        const held = store.heldOf(other.id, id);
        const { occurrence } = alarm;
        const row = held ?? { permit: other.id, alarm: id, occurrence, raised: 0, taken: 1, held_at: now };
        store.putHeld({ ...row, taken: 1 });
        return this.#shown(id, NOTHING);
      }
      try {
        const { occurrence } = alarm;
        return this.#shown(id, alarms.actWithin(id, "returnToService", { occurrence }, actorOf(permit)));
      } catch (error) {
        if (!ofTheAlarm(error)) throw error;
        logger.warn({ permit: permit.id, alarm: id, err: error }, "a permit cannot return an alarm to service");
        return NOTHING;
      }
    });
    return all(after);
  }

  /**
   * What it was to hold back, still calls, and was never out of service, nor is to be for another one of these. Asked before the
   * release.
   */
  unheard(permit: Permit, others: readonly Permit[]): readonly Alarm[] {
    const { store, alarms } = this.#deps;
    const known = alarms.alarms(store.held(permit.id).map(({ alarm }) => alarm));
    return [...known.values()].filter(
      (alarm) =>
        alarm.condition !== "inactive" &&
        !alarm.acknowledged &&
        alarm.suppression.length === 0 &&
        !others.some((one) => this.covers(one, alarm)),
    );
  }

  /** Which permit holds it back is part of how an alarm is shown. */
  #shown(alarm: string, after: () => void): () => void {
    return () => {
      after();
      this.#deps.alarms.refresh(alarm);
    };
  }

  /** What the permit holds back now. */
  digest({ id }: Permit): PermitDigest {
    const rows = this.#deps.store.held(id);
    const known = this.#deps.alarms.alarms(rows.map(({ alarm }) => alarm));
    const items = rows.flatMap((row): HeldAlarm[] => {
      const alarm = known.get(row.alarm);
      if (alarm === undefined) return [];
      const { category, priority, area, message, messageEn, occurrence, live: active } = alarm;
      const place = area === undefined ? {} : { area };
      return [
        { alarm: row.alarm, occurrence, category, priority, ...place, message, messageEn, raised: row.raised, active },
      ];
    });
    return {
      alarms: rows.length,
      raised: rows.reduce((sum, { raised }) => sum + raised, 0),
      active: items.filter(({ active }) => active).length,
      items: [...items.filter(({ active }) => active), ...items.filter(({ active }) => !active).reverse()].slice(
        0,
        DIGEST_ALARMS,
      ),
    };
  }
}

/** Does the alarm itself not allow it? Then nothing else is wrong. */
function ofTheAlarm(error: unknown): boolean {
  return error instanceof HubError && error.code.startsWith("ALARM_");
}

function all(callbacks: readonly (() => void)[]): () => void {
  return () => {
    for (const callback of callbacks) callback();
  };
}
