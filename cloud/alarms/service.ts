import { apply } from "#core/alarm/lifecycle.ts";
import type { Clock } from "#core/clock.ts";
import type { AlarmAct, AlarmAssignment } from "#core/contracts/alarm-acts.ts";
import type { AlarmDetail, AlarmView } from "#core/contracts/alarms.ts";
import type { AlarmItem, ClipItem, CommandResultItem, OpenAlarmsItem, SnapshotItem } from "#core/contracts/lanes.ts";
import { DueTimer, doEach } from "#core/due-timer.ts";
import { HubError } from "#core/errors.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Trigger } from "#core/linkage/evaluate.ts";
import type { Logger } from "#core/logger.ts";
import type { Alarm } from "#core/model/alarm.ts";
import type { ActedOn, AlarmKeeping, AlarmOperations, OnMany, PositionDirectory } from "../alarm-ports.ts";
import type { Db } from "../db/database.ts";
import type {
  Actor,
  AlarmActKind,
  AlarmQuery,
  AlarmService,
  AuditLog,
  GatewayLink,
  LiveBus,
  PageResult,
  SiteCatalog,
} from "../ports.ts";
import { ActQueue } from "./act-queue.ts";
import { DutyStore } from "./duty-store.ts";
import { Escalation } from "./escalation.ts";
import { GatewayTells } from "./gateway-tells.ts";
import { AlarmJournal } from "./journal-store.ts";
import type { AlarmMedia } from "./media.ts";
import { PeoplesActs } from "./people.ts";
import { AlarmRecorder } from "./recorder.ts";
import { AlarmShowing } from "./showing.ts";
import { AlarmStore } from "./store.ts";
import { type SystemKind, watchedGateway } from "./system-sources.ts";
import { SystemWatch, type Trouble } from "./system-watch.ts";

const TICK_MS = 5000;
/** Shelvings ended in one go: ingest waits for no more than that. */
const AT_ONCE = 100;
/** Of more alarms than these an act on many says only how each fared: how it is now comes to whoever looks at it. */
const MOST_SHOWN = 1000;

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
  /** Clock of a gateway minus ours, ms; undefined where it is not known. */
  readonly clockOffsetOf?: (gateway: string) => number | undefined;
  /** Id of the maintenance permit that holds an alarm back now. */
  readonly permitOf?: (alarm: Alarm) => string | undefined;
  /** The operator positions that look after an alarm, with how long it may wait for them; none when absent. */
  readonly positionsOf?: PositionDirectory["of"];
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
export class Alarms implements AlarmService, AlarmOperations, AlarmKeeping {
  readonly #deps: AlarmDeps;
  readonly #store: AlarmStore;
  readonly #journal: AlarmJournal;
  readonly #queue: ActQueue;
  readonly #showing: AlarmShowing;
  readonly #recorder: AlarmRecorder;
  readonly #escalation: Escalation;
  readonly #people: PeoplesActs;
  readonly #tells: GatewayTells;
  readonly #watch: SystemWatch;
  readonly #shelving: DueTimer;
  #cancel: (() => void) | undefined;
  /** Gateways whose presence has changed while the alarms could not be read. */
  readonly #unshown = new Set<string>();
  #failing = false;

  constructor(deps: AlarmDeps) {
    const { db, link, clock, logger, audit, media, catalog, bus, runsOf, permitOf = () => undefined, fence = 1 } = deps;
    const { site } = catalog;
    this.#deps = deps;
    const store = new AlarmStore(db);
    const duty = new DutyStore(db);
    const queue = new ActQueue(db, link, clock, fence);
    const showing = new AlarmShowing({ store, duty, media, catalog, link, bus, runsOf, permitOf });
    this.#journal = new AlarmJournal(db, deps.clockOffsetOf);
    this.#shelving = new DueTimer(
      clock,
      (now) => this.#endShelvings(now),
      (error) => logger.error({ err: error }, "shelvings cannot be ended, trying again"),
      // Until when is a time that people were told; that no shelving lasts longer than the longest is seen by the work itself.
      () => {},
    );
    const recorder = new AlarmRecorder({
      db,
      site,
      store,
      journal: this.#journal,
      showing,
      follow: (alarm) => this.#escalation.follow(alarm),
      told: ({ alarm, transition, at }) => deps.onTransition({ type: "alarm", transition, alarm }, at),
      endsShelving: (at) => this.#shelving.expect(at),
    });
    this.#escalation = new Escalation({
      duty,
      store,
      recorder,
      clock,
      logger,
      positionsOf: (alarm) => deps.positionsOf?.(alarm) ?? [],
      permitOf,
    });
    this.#store = store;
    this.#queue = queue;
    this.#showing = showing;
    this.#recorder = recorder;
    this.#people = new PeoplesActs({ site, store, duty, queue, recorder, audit, clock });
    this.#tells = new GatewayTells({ store, queue, recorder, showing, media, audit, clock });
    const { gatewayOfflineDelayMs: delayMs } = deps;
    this.#watch = new SystemWatch({
      store,
      catalog,
      recorder,
      clock,
      logger,
      ...(delayMs === undefined ? {} : { delays: { gateway: delayMs } }),
      onChange: ({ definition }) => {
        const gateway = watchedGateway(definition);
        if (gateway !== undefined) this.#showGateway(gateway);
      },
    });
  }

  /** Takes up what a former process has left: unconfirmed acts, shelvings to be ended, escalations, gateways that were removed. */
  start(): void {
    this.#watch.start();
    this.#shelving.start();
    this.#escalation.timer.start();
    this.#cancel ??= this.#deps.clock.every(TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#watch.stop();
    this.#shelving.stop();
    this.#escalation.timer.stop();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Order: raisedAt descending, then id descending. @throws CURSOR_INVALID */
  list(query: AlarmQuery): PageResult<AlarmView> {
    const page = this.#store.list(query, this.#deps.below);
    return { ...page, items: this.#showing.views(page.items) };
  }

  get(id: string): AlarmDetail | undefined {
    const alarm = this.#store.get(id);
    const [view] = alarm === undefined ? [] : this.#showing.views([alarm]);
    return view && { ...view, journal: [...this.#journal.of(id)] };
  }

  /** The space of an alarm. */
  areaOf(id: string): string | undefined {
    return this.#store.get(id)?.area;
  }

  areasOf(ids: readonly string[]): ReadonlyMap<string, string | undefined> {
    return this.#store.areasOf(ids);
  }

  /**
   * Does what a person asks. The same idempotency key of the same person acts once.
   * @throws ALARM_UNKNOWN, ALARM_OCCURRENCE_STALE, ALARM_STILL_ACTIVE, ALARM_NOT_ACKNOWLEDGED, ALARM_LAW_FORBIDS,
   * ALARM_REASON_MISSING, ALARM_COMMENT_MISSING, ALARM_CLOSED, IDEMPOTENCY_CONFLICT
   */
  act(id: string, kind: AlarmActKind, act: AlarmAct, actor: Actor): AlarmView {
    this.#people.act(id, kind, act, actor);
    return this.#view(id);
  }

  actMany(
    kind: "acknowledge" | "shelve",
    items: readonly OnMany[],
    act: Omit<AlarmAct, "occurrence" | "idempotencyKey">,
    actor: Actor,
  ): readonly ActedOn[] {
    const fared = this.#people.actMany(kind, items, act, actor);
    const done = fared.length > MOST_SHOWN ? [] : fared.filter(({ refused }) => refused === undefined);
    const held = this.#store.getMany(done.map(({ id }) => id));
    const views = new Map(this.#showing.views([...held.values()]).map((view) => [view.id, view]));
    return fared.map(({ id, refused }) => {
      const alarm = views.get(id);
      return { id, ...(refused === undefined ? {} : { refused }), ...(alarm === undefined ? {} : { alarm }) };
    });
  }

  assign(id: string, assignment: AlarmAssignment, actor: Actor): AlarmView {
    this.#people.assign(id, assignment, actor);
    return this.#view(id);
  }

  open(): readonly Alarm[] {
    return this.#store.open();
  }

  alarms(ids: readonly string[]): ReadonlyMap<string, Alarm> {
    return this.#store.getMany(ids);
  }

  actWithin(id: string, kind: "outOfService" | "returnToService", act: AlarmAct, actor: Actor): () => void {
    return this.#people.actWithin(id, kind, act, actor);
  }

  /**
   * Folds a transition that a gateway tells into the record, inside the lane's transaction; the callback runs after COMMIT.
   * @throws ALARM_FOREIGN when the alarm was not minted by that gateway
   */
  take(gateway: GatewayId, item: AlarmItem): () => void {
    return this.#tells.transition(gateway, item);
  }

  /** Takes the list of what is open at a gateway that has begun anew, inside the lane's transaction. */
  takeOpen(gateway: GatewayId, item: OpenAlarmsItem): () => void {
    return this.#tells.open(gateway, item);
  }

  /**
   * Keeps that a picture or a clip exists, inside the lane's transaction.
   * @throws CLIP_FOREIGN when the camera is not the gateway's
   */
  takeMedia(gateway: GatewayId, item: SnapshotItem | ClipItem): () => void {
    return this.#tells.takeMedia(gateway, item);
  }

  /** The bytes of a picture or clip have come. */
  blobStored(sha256: string): void {
    for (const { alarm } of this.#deps.media.madeFor(sha256)) if (alarm !== undefined) this.refresh(alarm);
  }

  /** Takes how an act ended at its gateway, inside the lane's transaction. Undefined when the result is about something else. */
  takeResult(gateway: GatewayId, item: CommandResultItem): (() => void) | undefined {
    return this.#tells.result(gateway, item);
  }

  /** A gateway came or went: acts that wait for it are sent, its loss is alarmed, and its alarms are shown for what they are. */
  gatewayOnline(gateway: GatewayId, online: boolean, at: number, reason?: string): void {
    this.#watch.told("gateway", gateway, online ? undefined : { at, ...(reason === undefined ? {} : { reason }) });
    try {
      if (online) this.#queue.flush(gateway);
    } catch (error) {
      this.#deps.logger.warn({ gateway, err: error }, "acts that wait for a gateway cannot be sent, trying again");
    }
    this.#showGateway(gateway);
  }

  /** Two gateways live under one identity, or no longer do. `at` is Unix ms. */
  gatewayCloned = (gateway: GatewayId, is: boolean, at: number): void =>
    this.#watch.told("clone", gateway, is ? { at } : undefined);

  /** How something of the hub itself stands: in trouble, or (undefined) not. Tell it when it changes. */
  systemTrouble(kind: SystemKind, subject: string, trouble: Trouble | undefined): void {
    this.#watch.told(kind, subject, trouble);
  }

  /** Subjects of a kind of which an alarm of the hub itself is live. */
  systemTroubles(kind: SystemKind): readonly string[] {
    return this.#watch.liveOf(kind);
  }

  /** How long alarms may wait for the operator positions that look after them has changed. */
  limitsChanged(): void {
    this.#escalation.limitsChanged();
  }

  /** Tells who looks that something about an alarm has changed: a run, a picture. */
  refresh(id: string): void {
    this.#showing.refresh(id);
  }

  /** Its alarms are stale or no longer so, or have another cause. */
  #showGateway(gateway: string): void {
    try {
      this.#showing.gateway(gateway);
      this.#unshown.delete(gateway);
    } catch (error) {
      this.#deps.logger.warn({ gateway, err: error }, "the alarms of a gateway cannot be shown, trying again");
      this.#unshown.add(gateway);
    }
  }

  #view(id: string): AlarmView {
    const alarm = this.#store.get(id);
    const [view] = alarm === undefined ? [] : this.#showing.views([alarm]);
    if (view === undefined) throw new HubError("ALARM_UNKNOWN", `alarm ${id}: no such alarm`);
    return view;
  }

  #endShelvings(now: number): number | undefined {
    doEach(this.#store.shelvingOver(now, AT_ONCE), (alarm) => {
      const result = apply(alarm, { type: "unshelve" }, { now, side: "minting" });
      if ("refused" in result || result.transition === undefined) return;
      const happening = { alarm: result.alarm, transition: result.transition, at: now, receivedAt: now };
      this.#recorder.commit(() => this.#recorder.record(happening));
    });
    return this.#store.nextShelvingEnd();
  }

  #tick(): void {
    try {
      this.#queue.flush();
      for (const gateway of this.#unshown) this.#showGateway(gateway);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#deps.logger.error({ err: error }, "alarms cannot be looked after, trying again");
      this.#failing = true;
    }
  }
}
