import { type Period, periodOf, type ShiftStarts, type WallClock } from "#core/alarm/periods.ts";
import type { Clock } from "#core/clock.ts";
import type { ShiftPlan, ShiftPlanChange } from "#core/contracts/shift.ts";
import { HubError } from "#core/errors.ts";
import type { Db } from "../db/database.ts";
import type { Actor, AuditLog } from "../ports.ts";
import type { ShiftTimes } from "../quality-ports.ts";
import { iso } from "../time.ts";
import { momentOf, offsetMs } from "../wall-clock.ts";

/** Eight in the morning and eight in the evening, minutes after midnight. */
const USUAL_STARTS: ShiftStarts = [480, 1200];

/** When the shifts of the site begin, version after version. */
export class ShiftPlans implements ShiftTimes {
  readonly #db: Db;
  readonly #timeZone: string;
  readonly #clock: Clock;
  readonly #audit: Pick<AuditLog, "append">;

  constructor(deps: {
    readonly db: Db;
    readonly timeZone: string;
    readonly clock: Clock;
    readonly audit: Pick<AuditLog, "append">;
  }) {
    this.#db = deps.db;
    this.#timeZone = deps.timeZone;
    this.#clock = deps.clock;
    this.#audit = deps.audit;
  }

  starts(): ShiftStarts {
    const row = this.#newest();
    return row === undefined ? USUAL_STARTS : (JSON.parse(row.starts) as number[]);
  }

  plan(): ShiftPlan {
    const row = this.#newest();
    const starts = this.starts().map(timeOfDay);
    if (row === undefined) return { version: 0, starts, timeZone: this.#timeZone };
    const { version, reason, changed_by: changedBy, changed_at: at } = row;
    return { version, starts, timeZone: this.#timeZone, reason, changedBy, changedAt: iso(at) };
  }

  /** @throws SHIFT_PLAN_STALE */
  setPlan({ version, starts, reason }: ShiftPlanChange, actor: Actor): ShiftPlan {
    const { kysely, sync } = this.#db;
    const minutes = starts.map(minuteOf).sort((a, b) => a - b);
    sync.transaction(() => {
      const old = this.plan();
      if (old.version !== version)
        throw new HubError("SHIFT_PLAN_STALE", `shift times: version ${version} was named, it is ${old.version}`);
      sync.run(
        kysely.insertInto("shift_plans").values({
          version: version + 1,
          starts: JSON.stringify(minutes),
          reason,
          changed_by: actor.name,
          changed_at: this.#clock.now(),
        }),
      );
      this.#audit.append({
        actor: actor.name,
        action: "shift.plan",
        result: "ok",
        detail: { from: old.starts, to: minutes.map(timeOfDay), reason },
        ...(actor.ip === undefined ? {} : { ip: actor.ip }),
      });
    });
    return this.plan();
  }

  /** The shift that holds a moment, Unix ms. */
  shiftAt(at: number): Period {
    return periodOf("shift", at, this.#wallClock(), this.starts());
  }

  #wallClock(): WallClock {
    return {
      offsetMs: (at) => offsetMs(at, this.#timeZone),
      momentOf: (wall) => momentOf(wall, this.#timeZone),
    };
  }

  #newest() {
    const { kysely, sync } = this.#db;
    return sync.get(kysely.selectFrom("shift_plans").selectAll().orderBy("version", "desc").limit(1));
  }
}

function timeOfDay(minutes: number): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return hours * 60 + minutes;
}
