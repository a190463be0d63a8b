import { LAW_RULES } from "#core/alarm/law.ts";
import { apply, isClosed } from "#core/alarm/lifecycle.ts";
import { merge } from "#core/alarm/merge.ts";
import type { Clock } from "#core/clock.ts";
import type { AlarmAct, AlarmDetail, AlarmView, JournalEntry } from "#core/contracts/http.ts";
import type { AlarmItem, ClipItem, CommandResultItem, SnapshotItem } from "#core/contracts/lanes.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import { type GatewayId, newId } from "#core/ids.ts";
import type { Trigger } from "#core/linkage/evaluate.ts";
import type { Logger } from "#core/logger.ts";
import type { Alarm } from "#core/model/alarm.ts";
import type { Db } from "../db/database.ts";
import type {
  Actor,
  AlarmActKind,
  AlarmQuery,
  AlarmService,
  AuditLog,
  GatewayLink,
  LiveBus,
  PageRequest,
  PageResult,
  SiteCatalog,
  Visible,
} from "../ports.ts";
import { type ActEnd, ActQueue } from "./act-queue.ts";
import { applyAct, type ChangingAct, checkComment, mirrors, shelvedUntil } from "./acts.ts";
import { GatewayWatch } from "./gateway-watch.ts";
import type { AlarmMedia } from "./media.ts";
import { AlarmStore, type Happening } from "./store.ts";
import { alarmView, type Surroundings } from "./view.ts";

const TICK_MS = 5000;
const GATEWAY_OFFLINE_DELAY_MS = 5000;

/** A transition of an alarm, for the rules. */
export type AlarmTrigger = Extract<Trigger, { type: "alarm" }>;

export interface AlarmDeps {
  readonly db: Db;
  /** Pictures and clips of alarms. */
  readonly media: AlarmMedia;
  readonly catalog: Pick<SiteCatalog, "site" | "gateways" | "spaces" | "alarmText">;
  readonly link: Pick<GatewayLink, "sendCommand" | "isOnline">;
  readonly audit: Pick<AuditLog, "append">;
  readonly bus: LiveBus;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A space and all that lies below it. */
  readonly below: (space: string) => ReadonlySet<string>;
  /** Ids of the runs that each alarm started, oldest first. */
  readonly runsOf: (alarms: readonly string[]) => ReadonlyMap<string, readonly string[]>;
  /**
   * Told each transition once, inside the transaction that stores it; what it returns runs after COMMIT. `at` is when it
   * was told where it happened, Unix ms.
   */
  readonly onTransition: (trigger: AlarmTrigger, at: number) => (() => void) | undefined;
  /** A gateway that comes back sooner raises no alarm; 5000 when absent. */
  readonly gatewayOfflineDelayMs?: number;
  /** Grows with each leader; 1 where there is only one cloud. */
  readonly fence?: number;
}

/**
 * The alarms of all gateways as the cloud holds them, and those that the cloud mints itself. What gateways tell is folded
 * in by core/alarm/merge; what people do is judged by core/alarm/lifecycle, written down at once and carried to the
 * gateway that minted the alarm.
 */
export class Alarms implements AlarmService {
  readonly #deps: AlarmDeps;
  readonly #store: AlarmStore;
  readonly #queue: ActQueue;
  readonly #watch: GatewayWatch;
  #cancel: (() => void) | undefined;
  /** Gateways whose presence has changed while the alarms could not be read. */
  readonly #unshown = new Set<GatewayId>();
  #failing = false;

  constructor(deps: AlarmDeps) {
    const { db, link, clock, fence = 1, gatewayOfflineDelayMs: delayMs = GATEWAY_OFFLINE_DELAY_MS } = deps;
    this.#deps = deps;
    this.#store = new AlarmStore(db);
    this.#queue = new ActQueue(db, link, clock, fence);
    this.#watch = new GatewayWatch({
      store: this.#store,
      catalog: deps.catalog,
      clock,
      logger: deps.logger,
      delayMs,
      commit: (work) => this.#commit(work),
      record: (alarm, transition, at, comment) =>
        this.#record({ alarm, transition, at, receivedAt: clock.now(), ...(comment === undefined ? {} : { comment }) }),
    });
  }

  /** Takes up what a former process has left: unconfirmed acts, shelvings to be ended, gateways that were removed. */
  start(): void {
    this.#watch.start();
    this.#cancel ??= this.#deps.clock.every(TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#watch.stop();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Order: raisedAt descending, then id descending. @throws CURSOR_INVALID */
  list(query: AlarmQuery): PageResult<AlarmView> {
    const page = this.#store.list(query, this.#deps.below);
    return { ...page, items: this.#views(page.items) };
  }

  get(id: string): AlarmDetail | undefined {
    const alarm = this.#store.get(id);
    const [view] = alarm === undefined ? [] : this.#views([alarm]);
    return view && { ...view, journal: [...this.#store.journalOf(id)] };
  }

  /** Order: newest known first. @throws CURSOR_INVALID */
  journal(query: PageRequest & { visible: Visible; alarm?: string }): PageResult<JournalEntry> {
    return this.#store.journalPage(query);
  }

  /** The space of an alarm. */
  areaOf(id: string): string | undefined {
    return this.#store.get(id)?.area;
  }

  /**
   * Does what a person asks. The same idempotency key of the same person acts once.
   * @throws ALARM_UNKNOWN, ALARM_OCCURRENCE_STALE, ALARM_STILL_ACTIVE, ALARM_NOT_ACKNOWLEDGED, ALARM_LAW_FORBIDS,
   * ALARM_REASON_MISSING, ALARM_COMMENT_MISSING, ALARM_CLOSED, IDEMPOTENCY_CONFLICT
   */
  act(id: string, kind: AlarmActKind, act: AlarmAct, actor: Actor): AlarmView {
    const alarm = this.#store.get(id);
    if (alarm === undefined) throw new HubError("ALARM_UNKNOWN", `alarm ${id}: no such alarm`);
    try {
      if (!this.#wasDone(id, kind, act, actor))
        this.#commit(() => {
          this.#remember(id, kind, act, actor);
          this.#audit(kind, alarm, act, actor, "ok");
          return kind === "comment" ? this.#comment(alarm, act, actor) : this.#change(alarm, kind, act, actor);
        });
    } catch (error) {
      if (error instanceof HubError && error.code.startsWith("ALARM_"))
        this.#audit(kind, alarm, act, actor, "refused", error.code);
      throw error;
    }
    const [view] = this.#views([this.#store.get(id) ?? alarm]);
    return view ?? alarmView(alarm, this.#surroundings(alarm));
  }

  /**
   * Folds a transition that a gateway tells into the record, inside the lane's transaction; the callback runs after COMMIT.
   * @throws ALARM_FOREIGN when the alarm was not minted by that gateway
   */
  take(gateway: GatewayId, item: AlarmItem): () => void {
    const { alarm: told, transition, at, actor, comment } = item;
    const held = this.#store.get(told.id);
    if (told.origin !== gateway || (held !== undefined && held.origin !== gateway))
      throw new InvalidInputError("ALARM_FOREIGN", `${gateway} tells of alarm ${told.id}, which ${told.origin} minted`);
    this.#store.put(merge(held, item), false);
    this.#queue.confirm(told);
    const said = { ...(actor === undefined ? {} : { actor }), ...(comment === undefined ? {} : { comment }) };
    // a remark leaves the alarm as it was: its time and words tell it from another one
    const key = transition === "commented" ? { key: `${at} ${comment ?? ""}` } : {};
    return this.#happened({ alarm: told, transition, at, receivedAt: this.#deps.clock.now(), ...said, ...key });
  }

  /**
   * Keeps that a picture or a clip exists, inside the lane's transaction.
   * @throws CLIP_FOREIGN when the camera is not the gateway's
   */
  takeMedia(gateway: GatewayId, item: SnapshotItem | ClipItem): () => void {
    if (item.kind === "clip") this.#deps.media.addClip(gateway, item);
    else this.#deps.media.addSnapshot(gateway, item);
    const { alarm } = item;
    return () => {
      if (alarm !== undefined) this.refresh(alarm);
    };
  }

  /** The bytes of a picture or clip have come. */
  blobStored(sha256: string): void {
    for (const { alarm } of this.#deps.media.madeFor(sha256)) if (alarm !== undefined) this.refresh(alarm);
  }

  /** Takes how an act ended at its gateway, inside the lane's transaction. Undefined when the result is about something else. */
  takeResult(gateway: GatewayId, { result }: CommandResultItem): (() => void) | undefined {
    const end = this.#queue.takeResult(gateway, result);
    if (end?.refused === undefined) return undefined;
    return this.#refused(end, end.refused);
  }

  /** A gateway came or went: acts that wait for it are sent, its loss is alarmed, and its alarms are shown for what they are. */
  gatewayOnline(gateway: GatewayId, online: boolean, at: number, reason?: string): void {
    this.#watch.changed(gateway, online, at, reason);
    try {
      if (online) this.#queue.flush(gateway);
      this.#show(gateway);
    } catch (error) {
      this.#deps.logger.warn({ gateway, err: error }, "the alarms of a gateway cannot be shown, trying again");
      this.#unshown.add(gateway);
    }
  }

  /** Two gateways live under one identity, or no longer do. `at` is Unix ms. */
  gatewayCloned = (gateway: GatewayId, is: boolean, at: number): void => this.#watch.cloned(gateway, is, at);
  /** Its alarms are stale or no longer so. */
  #show(gateway: GatewayId): void {
    for (const alarm of this.#store.openOf(gateway)) this.#publish(alarm);
    this.#unshown.delete(gateway);
  }

  /** Tells who looks that something about an alarm has changed: a run, a picture. */
  refresh(id: string): void {
    const alarm = this.#store.get(id);
    if (alarm !== undefined) this.#publish(alarm);
  }

  #change(alarm: Alarm, kind: ChangingAct, act: AlarmAct, actor: Actor): () => void {
    const now = this.#deps.clock.now();
    const ours = alarm.origin === this.#deps.catalog.site;
    const side = ours || !mirrors(kind) ? "minting" : "mirror";
    const { alarm: changed, transition } = applyAct(alarm, kind, act, { by: actor.name, now, side });
    let sent = (): void => {};
    if (!ours) {
      // Also when it seems to be so already: an opposite act may be on its way to the gateway.
      if (transition === undefined && !this.#contradicted(alarm, kind)) return sent;
      sent = this.#queue.add(alarm.origin, {
        alarm: alarm.id,
        occurrence: act.occurrence,
        action: kind,
        requestedBy: actor.name,
        createdAt: now,
        ...(act.comment === undefined ? {} : { reason: act.comment }),
        ...(kind === "shelve" ? { until: shelvedUntil(act, now) } : {}),
      });
    }
    if (transition === undefined || (!ours && !mirrors(kind))) return sent;
    const comment = act.comment === undefined ? {} : { comment: act.comment };
    const told = this.#record({ alarm: changed, transition, at: now, receivedAt: now, actor: actor.name, ...comment });
    return () => {
      sent();
      told();
    };
  }

  #contradicted(alarm: Alarm, kind: ChangingAct): boolean {
    return !mirrors(kind) && this.#queue.waits(alarm.id, ["shelve", "unshelve", "outOfService", "returnToService"]);
  }

  #comment(alarm: Alarm, act: AlarmAct, actor: Actor): () => void {
    const now = this.#deps.clock.now();
    const comment = checkComment(alarm, act);
    const key = newId(now);
    this.#store.journal({ alarm, transition: "commented", at: now, receivedAt: now, actor: actor.name, comment, key });
    return () => this.#publish(alarm);
  }

  /** A gateway will not do what a person asked of it. */
  #refused({ gateway, act }: ActEnd, refused: NonNullable<ActEnd["refused"]>): (() => void) | undefined {
    const { clock, audit } = this.#deps;
    const detail = { gateway, occurrence: act.occurrence, ...refused };
    audit.append({
      actor: act.requestedBy,
      action: `alarm.${act.action}`,
      target: act.alarm,
      result: "refused",
      detail,
    });
    const alarm = this.#store.get(act.alarm);
    if (refused.code !== "ALARM_UNKNOWN" || alarm?.live !== true) return undefined;
    // The gateway has told all it knew before this answer: its record of the alarm is lost, and nobody sees the condition.
    const now = clock.now();
    const { stale: _, shelvedUntil: _until, ...rest } = alarm;
    const condition = LAW_RULES[alarm.law].latch ? "latched" : "inactive";
    const cleared: Alarm = { ...rest, live: false, condition, suppression: [], clearedAt: now };
    const comment = `${gateway} no longer knows this alarm`;
    return this.#record({ alarm: cleared, transition: "cleared", at: now, receivedAt: now, comment, key: act.id });
  }

  /** Writes an alarm and what happened to it. */
  #record(happening: Happening): () => void {
    const { alarm } = happening;
    this.#store.put(alarm, alarm.origin === this.#deps.catalog.site);
    return this.#happened(happening);
  }

  #happened(happening: Happening): () => void {
    const { alarm, transition, at } = happening;
    const after = this.#store.journal(happening)
      ? this.#deps.onTransition({ type: "alarm", transition, alarm }, at)
      : undefined;
    return () => {
      this.refresh(alarm.id);
      after?.();
    };
  }

  #commit(work: () => () => void): void {
    this.#deps.db.sync.transaction<() => void>(work)();
  }

  #tick(): void {
    try {
      this.#queue.flush();
      for (const gateway of this.#unshown) this.#show(gateway);
      const now = this.#deps.clock.now();
      for (const alarm of this.#store.shelvingOver(now)) {
        const result = apply(alarm, { type: "unshelve" }, { now, side: "minting" });
        if ("refused" in result || result.transition === undefined) continue;
        const happening = { alarm: result.alarm, transition: result.transition, at: now, receivedAt: now };
        this.#commit(() => this.#record(happening));
      }
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#deps.logger.error({ err: error }, "alarms cannot be looked after, trying again");
      this.#failing = true;
    }
  }

  /** Was the same act done under the same key before? @throws IDEMPOTENCY_CONFLICT */
  #wasDone(id: string, kind: AlarmActKind, { occurrence, idempotencyKey }: AlarmAct, actor: Actor): boolean {
    if (idempotencyKey === undefined) return false;
    const done = this.#store.act(actor.name, idempotencyKey);
    if (done === undefined) return false;
    if (done.alarm === id && done.kind === kind && done.occurrence === occurrence) return true;
    throw new HubError("IDEMPOTENCY_CONFLICT", `the key ${idempotencyKey} was used for another act`);
  }

  #remember(alarm: string, kind: AlarmActKind, { occurrence, idempotencyKey }: AlarmAct, actor: Actor): void {
    if (idempotencyKey === undefined) return;
    const at = this.#deps.clock.now();
    this.#store.rememberAct({ actor: actor.name, idempotency_key: idempotencyKey, alarm, occurrence, kind, at });
  }

  #audit(
    kind: AlarmActKind,
    { id }: Alarm,
    { occurrence, comment, minutes }: AlarmAct,
    { name, ip }: Actor,
    result: "ok" | "refused",
    code?: string,
  ): void {
    this.#deps.audit.append({
      actor: name,
      action: `alarm.${kind}`,
      target: id,
      result,
      detail: {
        occurrence,
        ...(comment === undefined ? {} : { comment }),
        ...(minutes === undefined ? {} : { minutes }),
        ...(code === undefined ? {} : { code }),
      },
      ...(ip === undefined ? {} : { ip }),
    });
  }

  #publish({ id, area }: Alarm): void {
    const item = (): AlarmView | undefined => {
      const alarm = this.#store.get(id);
      return alarm === undefined || isClosed(alarm) ? undefined : this.#views([alarm])[0];
    };
    // The view is built when somebody reads it: in a storm most changes are looked at by nobody.
    this.#deps.bus.publish({
      kind: "alarms",
      id,
      ...(area === undefined ? {} : { space: area }),
      get item() {
        return item();
      },
    });
  }

  #views(alarms: readonly Alarm[]): AlarmView[] {
    const ids = alarms.map(({ id }) => id);
    const media = this.#deps.media;
    const snapshots = media.snapshotsOf(ids);
    const clips = media.clipsOf(ids);
    const runs = this.#deps.runsOf(ids);
    return alarms.map((alarm) =>
      alarmView(alarm, {
        ...this.#surroundings(alarm),
        snapshots: snapshots.get(alarm.id) ?? [],
        clips: clips.get(alarm.id) ?? [],
        runs: runs.get(alarm.id) ?? [],
      }),
    );
  }

  #surroundings(alarm: Alarm): Surroundings {
    const { catalog, link } = this.#deps;
    const { site } = catalog;
    const silent = alarm.origin !== site && !link.isOnline(alarm.origin as GatewayId);
    return { text: catalog.alarmText(alarm.definition), snapshots: [], clips: [], runs: [], site, silent };
  }
}
