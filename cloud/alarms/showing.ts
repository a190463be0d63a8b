import { isClosed } from "#core/alarm/lifecycle.ts";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Alarm } from "#core/model/alarm.ts";
import type { GatewayLink, LiveBus, SiteCatalog } from "../ports.ts";
import type { DutyStore } from "./duty-store.ts";
import type { AlarmMedia } from "./media.ts";
import type { AlarmStore } from "./store.ts";
import { deviceLost, gatewayLost } from "./system-sources.ts";
import { alarmView } from "./view.ts";

export interface ShowingDeps {
  readonly store: AlarmStore;
  readonly duty: DutyStore;
  readonly media: AlarmMedia;
  readonly catalog: Pick<SiteCatalog, "site" | "alarmText">;
  readonly link: Pick<GatewayLink, "isOnline">;
  readonly bus: LiveBus;
  /** Ids of the runs that each alarm started, oldest first. */
  readonly runsOf: (alarms: readonly string[]) => ReadonlyMap<string, readonly string[]>;
  /** Id of the maintenance permit that holds an alarm back. */
  readonly permitOf: (alarm: Alarm) => string | undefined;
}

/** Views that are built in one go when one of them is read. */
const BUILT_AT_ONCE = 500;
/** Changes that nobody has read yet and that are remembered for that; of more the views are built one by one. */
const MOST_UNREAD = 20_000;

/** Alarms in the shape of the HTTP API, with all that surrounds them, and told to whoever looks. */
export class AlarmShowing {
  readonly #deps: ShowingDeps;
  /** Ids of what was told and read by nobody, in the order in which it was told: in that order it will be read. */
  readonly #unread = new Set<string>();
  /** What was built in this turn: what changes in it is told again. */
  readonly #built = new Map<string, AlarmView | undefined>();

  constructor(deps: ShowingDeps) {
    this.#deps = deps;
  }

  views(alarms: readonly Alarm[]): AlarmView[] {
    const { media, duty, catalog, runsOf, permitOf } = this.#deps;
    const ids = alarms.map(({ id }) => id);
    const snapshots = media.snapshotsOf(ids);
    const clips = media.clipsOf(ids);
    const runs = runsOf(ids);
    const duties = duty.of(ids);
    const causes = this.#causesOf(alarms);
    return alarms.map((alarm) =>
      alarmView(alarm, {
        text: catalog.alarmText(alarm.definition),
        snapshots: snapshots.get(alarm.id) ?? [],
        clips: clips.get(alarm.id) ?? [],
        runs: runs.get(alarm.id) ?? [],
        site: catalog.site,
        silent: this.#silent(alarm),
        duty: duties.get(alarm.id) ?? {},
        cause: causes.get(alarm.id),
        permit: isClosed(alarm) ? undefined : permitOf(alarm),
      }),
    );
  }

  /** Its alarms are stale or no longer so. */
  gateway(gateway: string): void {
    for (const alarm of this.#deps.store.openOf(gateway)) this.publish(alarm);
  }

  /** Tells who looks that something about an alarm has changed: a run, a picture. */
  refresh(id: string): void {
    const alarm = this.#deps.store.get(id);
    if (alarm !== undefined) this.publish(alarm);
  }

  publish({ id, area }: Pick<Alarm, "id" | "area">): void {
    const item = (): AlarmView | undefined => this.#shown(id);
    this.#built.delete(id);
    this.#unread.delete(id);
    if (this.#unread.size < MOST_UNREAD) this.#unread.add(id);
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

  /** An alarm as it is now, undefined when it is over. Whoever reads one reads many, and others read the same ones in this turn. */
  #shown(id: string): AlarmView | undefined {
    if (!this.#built.has(id)) this.#build(id);
    return this.#built.get(id);
  }

  #build(id: string): void {
    const ids = [id];
    this.#unread.delete(id);
    for (const other of this.#unread) {
      if (ids.length >= BUILT_AT_ONCE) break;
      this.#unread.delete(other);
      if (!this.#built.has(other)) ids.push(other);
    }
    const open = [...this.#deps.store.getMany(ids).values()].filter((alarm) => !isClosed(alarm));
    const views = new Map(this.views(open).map((view) => [view.id, view]));
    if (this.#built.size === 0) queueMicrotask(() => this.#built.clear());
    for (const one of ids) this.#built.set(one, views.get(one));
  }

  /** Is the gateway that minted it away? Then this is only its last known state. [ISA-18.2 AL-16] */
  #silent({ origin }: Alarm): boolean {
    const { catalog, link } = this.#deps;
    return origin !== catalog.site && !link.isOnline(origin as GatewayId);
  }

  /**
   * What each of these comes from, where that is an open alarm of its own: the lost gateway for what it has told last of its
   * devices, the lost device for what is known of it. Never of an alarm of the security law: it is looked at by itself.
   */
  #causesOf(alarms: readonly Alarm[]): ReadonlyMap<string, string> {
    const { store, catalog } = this.#deps;
    const wanted = new Map<string, { origin: string; definition: string }>();
    for (const alarm of alarms) {
      const { id, origin, law, category, device, stale } = alarm;
      if (origin === catalog.site || law === "security") continue;
      if (this.#silent(alarm)) wanted.set(id, { origin: catalog.site, definition: gatewayLost(origin) });
      else if (device !== undefined && stale === true && category !== "communication")
        wanted.set(id, { origin, definition: deviceLost(device) });
    }
    const found = new Map<string, string | undefined>();
    const causes = new Map<string, string>();
    for (const [id, { origin, definition }] of wanted) {
      const key = `${origin} ${definition}`;
      if (!found.has(key)) {
        const cause = store.openOfDefinition(origin, definition);
        found.set(key, cause?.live === true ? cause.id : undefined);
      }
      const cause = found.get(key);
      if (cause !== undefined) causes.set(id, cause);
    }
    return causes;
  }
}
