import type { Selectable } from "kysely";
import type { Clock } from "#core/clock.ts";
import { type GatewayId, newId } from "#core/ids.ts";
import type { Alarm, AlarmTransition } from "#core/model/alarm.ts";
import type { AlarmCommand, CommandResult } from "#core/model/command.ts";
import { BuiltQueries, pieces } from "../db/built.ts";
import type { Db } from "../db/database.ts";
import type { GatewayLink } from "../ports.ts";
import type { AlarmTables } from "./tables.ts";

type Row = Selectable<AlarmTables["alarm_commands"]>;
type Action = AlarmCommand["action"];

/** An act on an alarm, without what makes it a command. */
export type QueuedAct = Pick<AlarmCommand, "alarm" | "occurrence" | "action" | "requestedBy" | "createdAt"> &
  Partial<Pick<AlarmCommand, "reason" | "until" | "once" | "station">>;

interface Queued {
  readonly gateway: string;
  readonly command: AlarmCommand;
}

/** How an act ended at the gateway. `refused`: the gateway will not do it, and why. */
export interface ActEnd {
  readonly gateway: string;
  readonly act: AlarmCommand;
  readonly refused?: { readonly code: string; readonly message: string };
}

const RESEND_MS = 30_000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** An acknowledgement or reset names its occurrence and so does no harm late: it is offered for as long as a gateway may be away. */
const ACT_EXPIRY_MS = 30 * DAY_MS;

/** What a gateway tells when it has done what was asked of it. */
const DONE_BY: Readonly<Partial<Record<AlarmTransition, Action>>> = {
  shelved: "shelve",
  unshelved: "unshelve",
  outOfService: "outOfService",
  returnedToService: "returnToService",
};
/** Rows of one statement: far below what either database takes. */
const AT_ONCE = 200;
/** Messages to gateways in one go. */
const SENT_AT_ONCE = 200;

/** Acts of a kind that a later act of the same kind makes void. */
const SUPERSEDES: Readonly<Record<Action, readonly Action[]>> = {
  acknowledge: ["acknowledge"],
  reset: ["reset"],
  shelve: ["shelve", "unshelve"],
  unshelve: ["shelve", "unshelve"],
  outOfService: ["outOfService", "returnToService"],
  returnToService: ["outOfService", "returnToService"],
};

/** Acts on alarms of gateways, kept on the disk and sent again until the gateway has confirmed or refused them. */
export class ActQueue {
  readonly #db: Db;
  readonly #link: Pick<GatewayLink, "sendCommand">;
  readonly #clock: Clock;
  readonly #fence: number;
  readonly #built = new BuiltQueries();
  /** When each act was last sent by this process, Unix ms: after a restart all are sent again. */
  readonly #sentAt = new Map<string, number>();

  constructor(db: Db, link: Pick<GatewayLink, "sendCommand">, clock: Clock, fence: number) {
    this.#db = db;
    this.#link = link;
    this.#clock = clock;
    this.#fence = fence;
  }

  /** Queues an act in the running transaction; what it makes void leaves the queue. The callback sends it, after COMMIT. */
  add(gateway: string, act: QueuedAct): () => void {
    return this.addMany([{ gateway, act }]);
  }

  /** Queues acts, each on another alarm, in the running transaction. The callback sends them, after COMMIT. */
  addMany(acts: readonly { readonly gateway: string; readonly act: QueuedAct }[]): () => void {
    const queued = acts.map(({ gateway, act }) => ({ gateway, command: this.#commandOf(act) }));
    for (const [action, ones] of Map.groupBy(queued, ({ command }) => command.action))
      for (const some of pieces(ones, AT_ONCE)) this.#makeVoid(action, some);
    for (const some of pieces(queued, AT_ONCE)) this.#insert(some);
    return () => this.#sendFrom(queued, 0);
  }

  #makeVoid(action: Action, some: readonly Queued[]): void {
    const { kysely, sync } = this.#db;
    const alarms = some.map(({ command }) => command.alarm);
    const superseded = SUPERSEDES[action];
    const build = () =>
      kysely.deleteFrom("alarm_commands").where("alarm", "in", alarms).where("action", "in", superseded);
    sync.run(this.#built.with(`void ${action} ${alarms.length}`, [...alarms, ...superseded], build));
  }

  #insert(some: readonly Queued[]): void {
    const { kysely, sync } = this.#db;
    const rows = some.map(({ gateway, command }) => ({
      id: command.id,
      gateway,
      alarm: command.alarm,
      occurrence: command.occurrence,
      action: command.action,
      requested_by: command.requestedBy,
      expires_at: command.expiresAt,
      document: JSON.stringify(command),
    }));
    const build = () => kysely.insertInto("alarm_commands").values(rows);
    const values = rows.flatMap((row) => Object.values(row));
    sync.run(this.#built.with(`insert ${rows.length}`, values, build));
  }

  /** In pieces, so that others have their turn. Ended in between, the rest is sent with what waits. */
  #sendFrom(queued: readonly Queued[], from: number): void {
    const to = Math.min(from + SENT_AT_ONCE, queued.length);
    for (const { gateway, command } of queued.slice(from, to)) this.#send(gateway, command);
    if (to < queued.length) this.#clock.after(0, () => this.#sendFrom(queued, to));
  }

  /** The workplace at which somebody asked for what the gateway now tells it has done. */
  stationOf(alarm: string, transition: AlarmTransition, actor: string | undefined): string | undefined {
    const action = DONE_BY[transition];
    if (action === undefined || actor === undefined) return undefined;
    const { kysely, sync } = this.#db;
    const row = sync.get(
      kysely
        .selectFrom("alarm_commands")
        .selectAll()
        .where("alarm", "=", alarm)
        .where("action", "=", action)
        .where("requested_by", "=", actor),
    );
    return row && commandOf(row).station;
  }

  /** Does an act of one of these kinds wait for this alarm? */
  waits(alarm: string, actions: readonly Action[]): boolean {
    const { kysely, sync } = this.#db;
    const row = sync.get(
      kysely.selectFrom("alarm_commands").select("id").where("alarm", "=", alarm).where("action", "in", actions),
    );
    return row !== undefined;
  }

  /** Takes out what the gateway's own record of the alarm shows to be done or past. */
  confirm(told: Alarm): void {
    const { kysely, sync } = this.#db;
    const { id, occurrence } = told;
    const queue = () => kysely.deleteFrom("alarm_commands").where("alarm", "=", id);
    const done = (action: Action) =>
      this.#built.with("done", [id, action, occurrence], () =>
        queue().where("action", "=", action).where("occurrence", "=", occurrence),
      );
    sync.run(this.#built.with("past", [id, occurrence], () => queue().where("occurrence", "<", occurrence)));
    if (told.acknowledged) sync.run(done("acknowledge"));
    if (told.condition === "inactive") sync.run(done("reset"));
  }

  /** Sends what has not been sent for a while; with a gateway, all that waits for it. */
  flush(gateway?: GatewayId): void {
    const { kysely, sync } = this.#db;
    const now = this.#clock.now();
    sync.run(kysely.deleteFrom("alarm_commands").where("expires_at", "<", now));
    const rows = sync.all(kysely.selectFrom("alarm_commands").selectAll().orderBy("seq"));
    const waiting = new Set(rows.map(({ id }) => id));
    for (const id of this.#sentAt.keys()) if (!waiting.has(id)) this.#sentAt.delete(id);
    for (const row of rows) {
      const sentAt = this.#sentAt.get(row.id);
      const due = sentAt === undefined || now < sentAt || now - sentAt >= RESEND_MS;
      if (gateway === undefined ? due : row.gateway === gateway) this.#send(row.gateway, commandOf(row));
    }
  }

  /**
   * Takes the gateway's result, inside the transaction of its lane. Undefined when it is not about one of these acts. What
   * failed for another reason than the alarm itself is offered again under a new id, because an id is executed once.
   */
  takeResult(gateway: GatewayId, { id, status, code, message }: CommandResult): ActEnd | undefined {
    const { kysely, sync } = this.#db;
    const build = () =>
      kysely.selectFrom("alarm_commands").selectAll().where("id", "=", id).where("gateway", "=", gateway);
    const row = sync.get(this.#built.with("result", [id, gateway], build));
    if (row === undefined) return undefined;
    const act = commandOf(row);
    if (status !== "done" && status !== "expired" && !(code ?? "").startsWith("ALARM_")) {
      const again: AlarmCommand = { ...act, id: newId(this.#clock.now()) };
      sync.run(
        kysely
          .updateTable("alarm_commands")
          .set({ id: again.id, document: JSON.stringify(again) })
          .where("seq", "=", row.seq),
      );
      // Not at once: what the gateway could not do now it cannot do in the next moment either.
      this.#sentAt.set(again.id, this.#clock.now());
      return undefined;
    }
    sync.run(kysely.deleteFrom("alarm_commands").where("seq", "=", row.seq));
    if (status === "done") return { gateway, act };
    return { gateway, act, refused: { code: code ?? status, message: message ?? status } };
  }

  #commandOf(act: QueuedAct): AlarmCommand {
    return { ...act, kind: "alarm", id: newId(this.#clock.now()), fence: this.#fence, expiresAt: expiryOf(act) };
  }

  #send(gateway: string, command: AlarmCommand): void {
    if (this.#link.sendCommand(gateway as GatewayId, command)) this.#sentAt.set(command.id, this.#clock.now());
  }
}

function commandOf({ document }: Row): AlarmCommand {
  return JSON.parse(document) as AlarmCommand;
}

function expiryOf({ action, createdAt, until }: QueuedAct): number {
  if (action === "acknowledge" || action === "reset") return createdAt + ACT_EXPIRY_MS;
  return action === "shelve" ? (until ?? createdAt) : createdAt + DAY_MS;
}
