import { lawOf } from "#core/alarm/law.ts";
import { type AlarmSeed, alarmId, apply, raise } from "#core/alarm/lifecycle.ts";
import { COMMUNICATION_PRIORITY } from "#core/alarm/track.ts";
import type { Clock } from "#core/clock.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Alarm, AlarmTransition } from "#core/model/alarm.ts";
import type { SiteCatalog } from "../ports.ts";
import type { AlarmStore } from "./store.ts";

const PREFIX = "gateway:";

/** The gateway whose absence a definition of the cloud stands for; undefined for any other definition. */
export function watchedGateway(definition: string): string | undefined {
  return definition.startsWith(PREFIX) ? definition.slice(PREFIX.length) : undefined;
}

export interface GatewayWatchDeps {
  readonly store: AlarmStore;
  readonly catalog: Pick<SiteCatalog, "site" | "gateways" | "spaces">;
  readonly clock: Clock;
  /** A gateway that comes back sooner raises nothing, ms. */
  readonly delayMs: number;
  /** Runs work as one transaction; what it returns runs after COMMIT. */
  readonly commit: (work: () => () => void) => void;
  /** Writes an alarm of the cloud and its transition down, inside `commit`. */
  readonly record: (alarm: Alarm, transition: AlarmTransition, at: number, comment?: string) => () => void;
}

/** The alarms about lost gateways: seen by the cloud alone and so minted by it, under the facility law. [ISA-18.2 AL-16] */
export class GatewayWatch {
  readonly #deps: GatewayWatchDeps;
  readonly #pending = new Map<GatewayId, () => void>();

  constructor(deps: GatewayWatchDeps) {
    this.#deps = deps;
  }

  /** Clears the alarms of gateways that the site no longer has. */
  start(): void {
    const { store, catalog } = this.#deps;
    const known = new Set<string>(catalog.gateways().map(({ id }) => id));
    for (const alarm of store.openOf(catalog.site)) {
      const gateway = watchedGateway(alarm.definition);
      if (gateway !== undefined && !known.has(gateway)) this.#clear(alarm, "gateway removed from the site");
    }
  }

  stop(): void {
    for (const cancel of this.#pending.values()) cancel();
    this.#pending.clear();
  }

  /** A gateway went or came. `at` is Unix ms. */
  changed(gateway: GatewayId, online: boolean, at: number, reason: string | undefined): void {
    const { clock, delayMs, catalog } = this.#deps;
    this.#pending.get(gateway)?.();
    this.#pending.delete(gateway);
    if (online) {
      const open = this.#deps.store.openOfDefinition(catalog.site, `${PREFIX}${gateway}`);
      if (open !== undefined) this.#clear(open);
      return;
    }
    const raiseIt = (): void => {
      this.#pending.delete(gateway);
      this.#raise(gateway, at, reason);
    };
    if (delayMs === 0) raiseIt();
    else this.#pending.set(gateway, clock.after(delayMs, raiseIt));
  }

  #clear(alarm: Alarm, comment?: string): void {
    const { clock, commit, record } = this.#deps;
    const now = clock.now();
    const result = apply(alarm, { type: "clear" }, { now, side: "minting" });
    if ("refused" in result || result.transition === undefined) return;
    const { alarm: cleared, transition } = result;
    commit(() => record(cleared, transition, now, comment));
  }

  #raise(gateway: GatewayId, at: number, reason: string | undefined): void {
    const { store, catalog, clock, commit, record } = this.#deps;
    const definition = `${PREFIX}${gateway}`;
    const now = clock.now();
    const event = { type: "activate" as const, observedAt: at, ...(reason === undefined ? {} : { value: reason }) };
    const open = store.openOfDefinition(catalog.site, definition);
    if (open === undefined) {
      commit(() => {
        const id = alarmId({ origin: catalog.site, definition, ...store.nextEpisode(definition) });
        return record(raise({ ...this.#seed(gateway, definition), id }, event, now), "raised", at);
      });
      return;
    }
    const result = apply(open, event, { now, side: "minting" });
    if ("refused" in result || result.transition === undefined) return;
    const { alarm, transition } = result;
    commit(() => record(alarm, transition, at));
  }

  #seed(gateway: GatewayId, definition: string): Omit<AlarmSeed, "id"> {
    const { catalog } = this.#deps;
    const known = catalog.gateways().find(({ id }) => id === gateway);
    // A gateway serves many places: who may see its loss must see the whole site.
    const area = catalog.spaces().find(({ parent }) => parent === undefined)?.id;
    return {
      origin: catalog.site,
      definition,
      law: lawOf("communication"),
      category: "communication",
      priority: COMMUNICATION_PRIORITY,
      source: gateway,
      ...(area === undefined ? {} : { area }),
      message: `${known?.name ?? gateway} 离线`,
      messageEn: `${known?.nameEn ?? gateway}: gateway offline`,
    };
  }
}
