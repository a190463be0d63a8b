import { lawOf } from "#core/alarm/law.ts";
import { type AlarmSeed, alarmId, apply, raise } from "#core/alarm/lifecycle.ts";
import { COMMUNICATION_PRIORITY } from "#core/alarm/track.ts";
import type { Clock } from "#core/clock.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Alarm, AlarmTransition } from "#core/model/alarm.ts";
import type { SiteCatalog } from "../ports.ts";
import type { AlarmStore } from "./store.ts";

/** Definitions of the cloud's own alarms begin with these, the gateway's id follows. */
const OFFLINE = "gateway:";
const CLONED = "clone:";
/** How long after a failure the record database is asked again, ms. */
const RETRY_MS = 2000;

/** The gateway that a definition of the cloud is about; undefined for any other definition. */
export function watchedGateway(definition: string): string | undefined {
  const kind = [OFFLINE, CLONED].find((prefix) => definition.startsWith(prefix));
  return kind === undefined ? undefined : definition.slice(kind.length);
}

export interface GatewayWatchDeps {
  readonly store: AlarmStore;
  readonly catalog: Pick<SiteCatalog, "site" | "gateways" | "spaces">;
  readonly clock: Clock;
  readonly logger: Logger;
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
  /** What is still to be written down, by definition. */
  readonly #pending = new Map<string, () => void>();

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
      // Whether two still live under one identity is found out anew.
      else if (alarm.definition.startsWith(CLONED)) this.#clear(alarm);
    }
  }

  stop(): void {
    for (const cancel of this.#pending.values()) cancel();
    this.#pending.clear();
  }

  /** A gateway went or came. `at` is Unix ms. */
  changed(gateway: GatewayId, online: boolean, at: number, reason: string | undefined): void {
    const { delayMs } = this.#deps;
    const definition = `${OFFLINE}${gateway}`;
    const work = online ? () => this.#clearOf(definition) : () => this.#raise(OFFLINE, gateway, at, reason);
    this.#do(definition, work, online ? 0 : delayMs);
  }

  /** Two gateways live under one identity, or no longer do. `at` is Unix ms. */
  cloned(gateway: GatewayId, is: boolean, at: number): void {
    const definition = `${CLONED}${gateway}`;
    this.#do(definition, is ? () => this.#raise(CLONED, gateway, at, undefined) : () => this.#clearOf(definition), 0);
  }

  /** Writes the newest state of a definition down, now or later; what was still to be written of it is out of date. */
  #do(definition: string, work: () => void, delayMs: number): void {
    this.#pending.get(definition)?.();
    this.#pending.delete(definition);
    if (delayMs === 0) this.#attempt(definition, work);
    else
      this.#pending.set(
        definition,
        this.#deps.clock.after(delayMs, () => this.#attempt(definition, work)),
      );
  }

  /** A change is told once: it is written down as soon as the database takes it, unless another one comes. */
  #attempt(definition: string, work: () => void, again = false): void {
    const { clock, logger } = this.#deps;
    this.#pending.delete(definition);
    try {
      work();
    } catch (error) {
      if (!again)
        logger.error({ definition, err: error }, "the state of a gateway cannot be written down, trying again");
      this.#pending.set(
        definition,
        clock.after(RETRY_MS, () => this.#attempt(definition, work, true)),
      );
    }
  }

  #clearOf(definition: string): void {
    const open = this.#deps.store.openOfDefinition(this.#deps.catalog.site, definition);
    if (open !== undefined) this.#clear(open);
  }

  #clear(alarm: Alarm, comment?: string): void {
    const { clock, commit, record } = this.#deps;
    const now = clock.now();
    const result = apply(alarm, { type: "clear" }, { now, side: "minting" });
    if ("refused" in result || result.transition === undefined) return;
    const { alarm: cleared, transition } = result;
    commit(() => record(cleared, transition, now, comment));
  }

  #raise(kind: typeof OFFLINE | typeof CLONED, gateway: GatewayId, at: number, reason: string | undefined): void {
    const { store, catalog, clock, commit, record } = this.#deps;
    const definition = `${kind}${gateway}`;
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
      ...(definition.startsWith(CLONED)
        ? {
            message: `${known?.name ?? gateway} 有两台网关使用同一身份`,
            messageEn: `${known?.nameEn ?? gateway}: two gateways with one identity`,
          }
        : {
            message: `${known?.name ?? gateway} 离线`,
            messageEn: `${known?.nameEn ?? gateway}: gateway offline`,
          }),
    };
  }
}
