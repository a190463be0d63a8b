import { lawOf } from "#core/alarm/law.ts";
import { type AlarmSeed, alarmId, apply, raise, shelvedNoMore } from "#core/alarm/lifecycle.ts";
import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { Alarm } from "#core/model/alarm.ts";
import type { SiteCatalog } from "../ports.ts";
import type { AlarmRecorder } from "./recorder.ts";
import type { AlarmStore } from "./store.ts";
import {
  SYSTEM_SOURCES,
  type SystemKind,
  type SystemSource,
  systemDefinition,
  systemParts,
  watchedGateway,
} from "./system-sources.ts";

/** How long after a failure the record database is asked again, ms. */
const RETRY_MS = 2000;

/** What is wrong: since when by the clock of whoever saw it, Unix ms, and in its own words. */
export interface Trouble {
  readonly at: number;
  readonly reason?: string;
  /** Name of the subject in both languages, where the subject is no gateway. */
  readonly name?: string;
}

export interface SystemWatchDeps {
  readonly store: AlarmStore;
  readonly catalog: Pick<SiteCatalog, "site" | "gateways" | "spaces">;
  readonly recorder: AlarmRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Replaces the delay of a kind, ms. */
  readonly delays?: Readonly<Partial<Record<SystemKind, number>>>;
  /** An alarm of the cloud was raised or cleared. Runs after COMMIT. */
  readonly onChange: (alarm: Alarm) => void;
}

interface Waiting {
  readonly cancel: () => void;
  /** An activation that the database would not take yet: its end must not make it unheard of. */
  readonly unwritten?: () => void;
}

/** The alarms that only the cloud can raise: one a kind and subject, under the facility law, cleared by themselves. [ISA-18.2 AL-16] */
export class SystemWatch {
  readonly #deps: SystemWatchDeps;
  /** What is still to be written down, by definition. */
  readonly #pending = new Map<string, Waiting>();

  constructor(deps: SystemWatchDeps) {
    this.#deps = deps;
  }

  /** Clears the alarms of gateways that the site no longer has. */
  start(): void {
    const { store, catalog } = this.#deps;
    const known = new Set<string>(catalog.gateways().map(({ id }) => id));
    for (const alarm of store.openOf(catalog.site)) {
      const parts = systemParts(alarm.definition);
      const gateway = watchedGateway(alarm.definition);
      if (gateway !== undefined && !known.has(gateway)) this.#clear(alarm, "gateway removed from the site");
      // Whether two still live under one identity is found out anew.
      else if (parts?.kind === "clone") this.#clear(alarm);
    }
  }

  stop(): void {
    for (const { cancel } of this.#pending.values()) cancel();
    this.#pending.clear();
  }

  /** How a subject stands: in trouble, or (undefined) not. May be told again and again. */
  told(kind: SystemKind, subject: string, trouble: Trouble | undefined): void {
    const definition = systemDefinition(kind, subject);
    const delayMs = this.#deps.delays?.[kind] ?? SYSTEM_SOURCES[kind].delayMs;
    if (trouble === undefined) this.#do(definition, () => this.#clearOf(definition), 0, false);
    else this.#do(definition, () => this.#raise(kind, subject, trouble), delayMs, true);
  }

  /** Subjects of a kind whose alarm is live. */
  liveOf(kind: SystemKind): readonly string[] {
    const { store, catalog } = this.#deps;
    return store.openOf(catalog.site).flatMap(({ definition, live }) => {
      const parts = systemParts(definition);
      return live && parts?.kind === kind ? [parts.subject] : [];
    });
  }

  /** Writes the newest state of a definition down, now or later; what was still to be written of it is out of date. */
  #do(definition: string, work: () => void, delayMs: number, raises: boolean): void {
    const before = this.#pending.get(definition);
    before?.cancel();
    this.#pending.delete(definition);
    const unwritten = before?.unwritten;
    const all =
      unwritten === undefined || raises
        ? work
        : () => {
            unwritten();
            work();
          };
    if (delayMs === 0) this.#attempt(definition, all, raises);
    else
      this.#pending.set(definition, {
        cancel: this.#deps.clock.after(delayMs, () => this.#attempt(definition, all, raises)),
        ...(unwritten === undefined ? {} : { unwritten }),
      });
  }

  /** A change is told once: it is written down as soon as the database takes it, unless another one comes. */
  #attempt(definition: string, work: () => void, raises: boolean, again = false): void {
    const { clock, logger } = this.#deps;
    this.#pending.delete(definition);
    try {
      work();
    } catch (error) {
      if (!again)
        logger.error({ definition, err: error }, "an alarm of the hub itself cannot be written down, trying again");
      this.#pending.set(definition, {
        cancel: clock.after(RETRY_MS, () => this.#attempt(definition, work, raises, true)),
        ...(raises ? { unwritten: work } : {}),
      });
    }
  }

  #clearOf(definition: string): void {
    const open = this.#deps.store.openOfDefinition(this.#deps.catalog.site, definition);
    if (open !== undefined) this.#clear(open);
  }

  #clear(alarm: Alarm, comment?: string): void {
    const { clock, recorder } = this.#deps;
    const now = clock.now();
    const result = apply(alarm, { type: "clear" }, { now, side: "minting" });
    if ("refused" in result || result.transition === undefined) return;
    const { alarm: cleared, transition } = result;
    const said = comment === undefined ? {} : { comment };
    this.#write(cleared, () => {
      const told = recorder.record({ alarm: cleared, transition, at: now, receivedAt: now, ...said });
      const unshelved = shelvedNoMore(result) ? this.#unshelve(cleared, now) : undefined;
      return () => {
        told();
        unshelved?.();
      };
    });
  }

  /** A shelving for once is over with the condition. Inside a transaction. */
  #unshelve(cleared: Alarm, now: number): (() => void) | undefined {
    const result = apply(cleared, { type: "unshelve" }, { now, side: "minting" });
    if ("refused" in result || result.transition === undefined) return undefined;
    const { alarm, transition } = result;
    return this.#deps.recorder.record({ alarm, transition, at: now, receivedAt: now });
  }

  #raise(kind: SystemKind, subject: string, { at, reason, name }: Trouble): void {
    const { store, catalog, clock, recorder } = this.#deps;
    const definition = systemDefinition(kind, subject);
    const now = clock.now();
    const event = { type: "activate" as const, observedAt: at, ...(reason === undefined ? {} : { value: reason }) };
    const open = store.openOfDefinition(catalog.site, definition);
    if (open !== undefined) {
      const result = apply(open, event, { now, side: "minting" });
      if ("refused" in result || result.transition === undefined) return;
      const { alarm, transition } = result;
      this.#write(alarm, () => recorder.record({ alarm, transition, at, receivedAt: now }));
      return;
    }
    this.#deps.recorder.commit(() => {
      const id = alarmId({ origin: catalog.site, definition, ...store.nextEpisode(definition) });
      const alarm = raise({ ...this.#seed(kind, subject, name), id }, event, now);
      const after = recorder.record({ alarm, transition: "raised", at, receivedAt: now });
      return this.#then(alarm, after);
    });
  }

  #write(alarm: Alarm, work: () => () => void): void {
    this.#deps.recorder.commit(() => this.#then(alarm, work()));
  }

  #then(alarm: Alarm, after: () => void): () => void {
    return () => {
      after();
      this.#deps.onChange(alarm);
    };
  }

  #seed(kind: SystemKind, subject: string, name: string | undefined): Omit<AlarmSeed, "id"> {
    const { catalog } = this.#deps;
    const gateway = catalog.gateways().find(({ id }) => id === subject);
    // The hub and its gateways serve many places: who may see what is wrong with them must see the whole site.
    const area = catalog.spaces().find(({ parent }) => parent === undefined)?.id;
    const source: SystemSource = SYSTEM_SOURCES[kind];
    return {
      origin: catalog.site,
      definition: systemDefinition(kind, subject),
      law: lawOf(source.category),
      category: source.category,
      priority: source.priority,
      source: subject,
      ...(area === undefined ? {} : { area }),
      message: source.message(name ?? gateway?.name ?? subject),
      messageEn: source.messageEn(name ?? gateway?.nameEn ?? subject),
    };
  }
}
