import { isClosed } from "#core/alarm/lifecycle.ts";
import type { Clock } from "#core/clock.ts";
import type { AlarmAct, AlarmAssignment } from "#core/contracts/alarm-acts.ts";
import { HubError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import type { Alarm } from "#core/model/alarm.ts";
import type { Actor, AlarmActKind, AuditLog } from "../ports.ts";
import type { ActQueue, QueuedAct } from "./act-queue.ts";
import {
  applyAct,
  type ChangingAct,
  checkComment,
  checkCommentNeeded,
  checkOccurrence,
  mirrors,
  shelvingOf,
} from "./acts.ts";
import type { DutyStore } from "./duty-store.ts";
import type { Happening } from "./journal-store.ts";
import type { AlarmRecorder } from "./recorder.ts";
import type { AlarmStore } from "./store.ts";

export interface PeopleDeps {
  readonly site: string;
  readonly store: AlarmStore;
  readonly duty: DutyStore;
  readonly queue: ActQueue;
  readonly recorder: AlarmRecorder;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
}

/** What an act comes to: what is written here at once, and what is asked of the gateway. */
interface Judged {
  readonly happening?: Happening;
  readonly asked?: QueuedAct;
}

/** How one alarm of an act on many fared. */
export type Fared = { readonly id: string; readonly refused?: HubError };

/** What people do with alarms: judged by core/alarm/lifecycle, written down at once, carried to the gateway that minted the alarm. */
export class PeoplesActs {
  readonly #deps: PeopleDeps;

  constructor(deps: PeopleDeps) {
    this.#deps = deps;
  }

  /** @throws as AlarmService.act */
  act(id: string, kind: AlarmActKind, act: AlarmAct, actor: Actor): void {
    const alarm = this.#known(id);
    this.#audited(`alarm.${kind}`, alarm, act, actor, () => {
      if (this.#wasDone(id, kind, act, actor)) return;
      this.#deps.recorder.commit(() => this.#do(alarm, kind, act, actor));
    });
  }

  /** As `act`, inside the running transaction; the callback runs after COMMIT. A refusal leaves nothing behind. */
  actWithin(id: string, kind: ChangingAct, act: AlarmAct, actor: Actor): () => void {
    return this.#do(this.#known(id), kind, act, actor);
  }

  /**
   * The same act on many alarms as one transaction. One that is refused does not stop the others; one entry in the audit log
   * names them all, and the journal of each tells it for itself.
   */
  actMany(
    kind: "acknowledge" | "shelve",
    items: readonly { readonly id: string; readonly occurrence: number }[],
    act: Omit<AlarmAct, "occurrence" | "idempotencyKey">,
    actor: Actor,
  ): readonly Fared[] {
    const fared: Fared[] = [];
    this.#deps.recorder.commit(() => {
      const { store, queue, recorder } = this.#deps;
      // Named twice, it is one act.
      const wanted = new Map(items.map(({ id, occurrence }) => [id, occurrence]));
      const held = store.getMany([...wanted.keys()]);
      const happenings: Happening[] = [];
      const asked: { gateway: string; act: QueuedAct }[] = [];
      for (const [id, occurrence] of wanted) {
        const alarm = held.get(id);
        const judged = alarm === undefined ? unknown(id) : this.#tried(alarm, kind, { ...act, occurrence }, actor);
        if (judged instanceof HubError) {
          fared.push({ id, refused: judged });
          continue;
        }
        if (judged.asked !== undefined) asked.push({ gateway: judged.origin, act: judged.asked });
        if (judged.happening !== undefined) happenings.push(judged.happening);
        fared.push({ id });
      }
      const tell = recorder.recordActs(happenings);
      const send = queue.addMany(asked);
      this.#auditMany(kind, items, fared, act, actor);
      return () => {
        tell();
        send();
      };
    });
    return fared;
  }

  /**
   * Hands an alarm to somebody. Known to the cloud alone.
   * @throws ALARM_UNKNOWN, ALARM_OCCURRENCE_STALE, ALARM_OCCURRENCE_UNKNOWN, ALARM_CLOSED
   */
  assign(id: string, assignment: AlarmAssignment, actor: Actor): void {
    const { recorder, duty, audit, clock } = this.#deps;
    const { occurrence, assignee, comment, station } = assignment;
    const alarm = this.#known(id);
    this.#audited("alarm.assign", alarm, assignment, actor, () => {
      checkOccurrence(alarm, occurrence);
      if (isClosed(alarm)) throw new HubError("ALARM_CLOSED", `alarm ${id}: the episode is over`);
      if ((duty.of([id]).get(id)?.assignee ?? null) === assignee) return;
      recorder.commit(() => {
        const now = clock.now();
        duty.assign(id, assignee);
        audit.append(auditEntry("alarm.assign", id, { ...assignment, assignee: assignee ?? "-" }, actor));
        return recorder.happened({
          alarm,
          transition: "assigned",
          at: now,
          receivedAt: now,
          actor: actor.name,
          comment: [`→ ${assignee ?? "-"}`, comment].filter((part) => part !== undefined && part !== "").join(": "),
          ...(station === undefined ? {} : { station }),
          key: newId(now),
        });
      });
    });
  }

  #known(id: string): Alarm {
    const alarm = this.#deps.store.get(id);
    if (alarm === undefined) throw unknown(id);
    return alarm;
  }

  /** Does something, and records it when the alarm does not allow it. */
  #audited(action: string, alarm: Alarm, act: Parameters<typeof auditEntry>[2], actor: Actor, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof HubError && error.code.startsWith("ALARM_"))
        this.#deps.audit.append(auditEntry(action, alarm.id, act, actor, error.code));
      throw error;
    }
  }

  /** Inside a transaction. What refuses it is thrown before anything is written. */
  #do(alarm: Alarm, kind: AlarmActKind, act: AlarmAct, actor: Actor): () => void {
    const { audit, queue, recorder } = this.#deps;
    const { happening, asked } =
      kind === "comment" ? { happening: this.#comment(alarm, act, actor) } : this.#judge(alarm, kind, act, actor);
    this.#remember(alarm.id, kind, act, actor);
    audit.append(auditEntry(`alarm.${kind}`, alarm.id, act, actor));
    const sent = asked === undefined ? undefined : queue.add(alarm.origin, asked);
    const told = happening === undefined ? undefined : this.#write(recorder, kind, happening);
    return () => {
      sent?.();
      told?.();
    };
  }

  /** A comment leaves the alarm as it was: it may have changed since it was read. */
  #write(recorder: AlarmRecorder, kind: AlarmActKind, happening: Happening): () => void {
    return kind === "comment" ? recorder.happened(happening) : recorder.record(happening);
  }

  /** What the act comes to, or why the alarm does not allow it. */
  #tried(alarm: Alarm, kind: ChangingAct, act: AlarmAct, actor: Actor): (Judged & { origin: string }) | HubError {
    try {
      return { ...this.#judge(alarm, kind, act, actor), origin: alarm.origin };
    } catch (error) {
      if (error instanceof HubError && error.code.startsWith("ALARM_")) return error;
      throw error;
    }
  }

  #judge(alarm: Alarm, kind: ChangingAct, act: AlarmAct, actor: Actor): Judged {
    const { site, clock, queue } = this.#deps;
    const now = clock.now();
    const ours = alarm.origin === site;
    const side = ours || !mirrors(kind) ? "minting" : "mirror";
    const { alarm: changed, transition } = applyAct(alarm, kind, act, { by: actor.name, now, side });
    // What is done already is done with or without a word.
    if (transition !== undefined) checkCommentNeeded(alarm, kind, act);
    const said = {
      ...(act.comment === undefined ? {} : { comment: act.comment }),
      ...(act.station === undefined ? {} : { station: act.station }),
    };
    // Also when it seems to be so already: an opposite act may be on its way to the gateway.
    const contradicted = (): boolean =>
      !mirrors(kind) && queue.waits(alarm.id, ["shelve", "unshelve", "outOfService", "returnToService"]);
    const asks = !ours && (transition !== undefined || contradicted());
    const happens = transition !== undefined && (ours || mirrors(kind));
    return {
      ...(asks ? { asked: askOf(alarm, kind, act, { by: actor.name, now }) } : {}),
      ...(happens
        ? { happening: { alarm: changed, transition, at: now, receivedAt: now, actor: actor.name, ...said } }
        : {}),
    };
  }

  #comment(alarm: Alarm, act: AlarmAct, actor: Actor): Happening {
    const now = this.#deps.clock.now();
    const comment = checkComment(alarm, act);
    const station = act.station === undefined ? {} : { station: act.station };
    const key = newId(now);
    return { alarm, transition: "commented", at: now, receivedAt: now, actor: actor.name, comment, key, ...station };
  }

  /** Was the same act done under the same key before? @throws IDEMPOTENCY_CONFLICT */
  #wasDone(id: string, kind: AlarmActKind, { occurrence, idempotencyKey }: AlarmAct, actor: Actor): boolean {
    if (idempotencyKey === undefined) return false;
    const done = this.#deps.store.act(actor.name, idempotencyKey);
    if (done === undefined) return false;
    if (done.alarm === id && done.kind === kind && done.occurrence === occurrence) return true;
    throw new HubError("IDEMPOTENCY_CONFLICT", `the key ${idempotencyKey} was used for another act`);
  }

  #remember(alarm: string, kind: AlarmActKind, { occurrence, idempotencyKey }: AlarmAct, actor: Actor): void {
    if (idempotencyKey === undefined) return;
    const at = this.#deps.clock.now();
    this.#deps.store.rememberAct({ actor: actor.name, idempotency_key: idempotencyKey, alarm, occurrence, kind, at });
  }

  #auditMany(
    kind: ChangingAct,
    items: readonly { readonly id: string; readonly occurrence: number }[],
    fared: readonly Fared[],
    { comment, minutes, once, station }: Omit<AlarmAct, "occurrence">,
    { name, ip }: Actor,
  ): void {
    const refused = new Map(fared.flatMap((one) => (one.refused === undefined ? [] : [[one.id, one.refused.code]])));
    const done = items.filter(({ id }) => !refused.has(id)).map(({ id, occurrence }) => `${id}@${occurrence}`);
    this.#deps.audit.append({
      actor: name,
      action: `alarm.${kind}`,
      result: done.length > 0 ? "ok" : "refused",
      detail: {
        alarms: done,
        ...(refused.size === 0 ? {} : { refused: Object.fromEntries(refused) }),
        ...(comment === undefined ? {} : { comment }),
        ...(minutes === undefined ? {} : { minutes }),
        ...(once === undefined ? {} : { once }),
        ...(station === undefined ? {} : { station }),
      },
      ...(ip === undefined ? {} : { ip }),
    });
  }
}

function unknown(id: string): HubError {
  return new HubError("ALARM_UNKNOWN", `alarm ${id}: no such alarm`);
}

/** What is asked of the gateway that minted the alarm. */
function askOf(
  alarm: Alarm,
  action: ChangingAct,
  act: AlarmAct,
  { by, now }: { readonly by: string; readonly now: number },
): QueuedAct {
  return {
    alarm: alarm.id,
    occurrence: act.occurrence,
    action,
    requestedBy: by,
    createdAt: now,
    ...(act.comment === undefined ? {} : { reason: act.comment }),
    ...(act.station === undefined ? {} : { station: act.station }),
    ...(action === "shelve" ? shelvingOf(act, now) : {}),
  };
}

function auditEntry(
  action: string,
  target: string,
  act: Pick<AlarmAct, "occurrence" | "comment" | "minutes" | "once" | "station"> & {
    readonly assignee?: string | null;
  },
  { name, ip }: Actor,
  code?: string,
): Parameters<AuditLog["append"]>[0] {
  const { occurrence, comment, minutes, once, station, assignee } = act;
  return {
    actor: name,
    action,
    target,
    result: code === undefined ? "ok" : "refused",
    detail: {
      occurrence,
      ...(assignee === undefined ? {} : { assignee: assignee ?? "-" }),
      ...(comment === undefined ? {} : { comment }),
      ...(minutes === undefined ? {} : { minutes }),
      ...(once === undefined ? {} : { once }),
      ...(station === undefined ? {} : { station }),
      ...(code === undefined ? {} : { code }),
    },
    ...(ip === undefined ? {} : { ip }),
  };
}
