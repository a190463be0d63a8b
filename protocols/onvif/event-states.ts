import type { FieldEvent } from "./map.ts";
import type { EventSignal } from "./vocabulary.ts";

/** How a notification changed what is known. */
export interface Edge {
  /** The state now; undefined for what happens and is over. */
  readonly state: boolean | undefined;
  /** True where it was learnt from a repetition: it happened while nobody listened. */
  readonly recovered: boolean;
}

/** State of one signal as far as the events tell. */
export interface EventState {
  readonly state: boolean;
  /** False where the device has not repeated it since events were lost. */
  readonly confirmed: boolean;
  readonly utcTime: number | undefined;
}

interface Instance {
  readonly event: FieldEvent;
  readonly kind: EventSignal;
  state: boolean;
  confirmed: boolean;
}

/** States of one device. It has some dozens of sources; a hostile one may invent more. */
const MAX_INSTANCES = 500;
/** Cameras that compute their start from their uptime are off by a second now and then. */
const RESTART_TOLERANCE_MS = 2000;

/** What holds at one device by its events, and which notifications are news. */
export class EventStates {
  readonly #instances = new Map<string, Instance>();
  #restartedAt: number | undefined;

  /** Events were lost: what is known may have changed meanwhile. */
  doubtAll(): void {
    for (const instance of this.#instances.values()) instance.confirmed = false;
  }

  /** Takes in a notification; undefined where it tells nothing new. */
  apply(event: FieldEvent): Edge | undefined {
    const { kind } = event;
    if (kind === "restarted") return this.#restarted(event);
    const known = this.#instances.get(event.instance);
    if (known === undefined && !this.#makeRoom()) return undefined;
    const state = event.state ?? true;
    if (event.deleted) this.#instances.delete(event.instance);
    // What is left of a deleted one is that its origin is there and sees nothing.
    const remembered = event.deleted ? event.origin : event.instance;
    this.#instances.set(remembered, { event, kind, state, confirmed: true });
    // An instant is news each time; a state is news when it differs, and "nothing holds" is none at the first hearing.
    if (event.state === undefined) return { state: undefined, recovered: false };
    if (known?.state === state || (known === undefined && !state)) return undefined;
    return { state, recovered: event.repeated };
  }

  /**
   * True when there is room for one more. What has ended makes room, objects first and the oldest of them: many cameras number
   * their objects on and on and never say that one is gone.
   */
  #makeRoom(): boolean {
    for (const keyed of [true, false]) {
      for (const [id, { event, kind, state, confirmed }] of this.#instances) {
        if (this.#instances.size < MAX_INSTANCES) return true;
        if (state || keyed !== (id !== event.origin)) continue;
        this.#instances.delete(id);
        if (keyed && !this.#instances.has(event.origin))
          this.#instances.set(event.origin, { event, kind, state: false, confirmed });
      }
    }
    return this.#instances.size < MAX_INSTANCES;
  }

  /**
   * Gives up what has a key (an object in a field, say) and was not told again since `doubtAll`: the device has repeated all
   * that exists. Gives those among them that held. [ONVIF Core 9.4, 9.6]
   */
  endUnconfirmed(): readonly FieldEvent[] {
    const ended: FieldEvent[] = [];
    for (const [id, instance] of this.#instances) {
      const { event, kind } = instance;
      if (instance.confirmed || event.instance === event.origin) continue;
      if (id === event.origin) {
        // The remainder of what had ended before.
        instance.confirmed = true;
        continue;
      }
      this.#instances.delete(id);
      if (!this.#instances.has(event.origin)) {
        this.#instances.set(event.origin, { event, kind, state: false, confirmed: true });
      }
      if (instance.state) ended.push(event);
    }
    return ended;
  }

  /** Ends the instants of one signal. */
  clear(kind: EventSignal): void {
    for (const instance of this.#instances.values()) {
      if (instance.kind === kind && instance.event.state === undefined) instance.state = false;
    }
  }

  /** Any of the signal's sources, or of those that `token` names; undefined where none was ever told. */
  read(kind: EventSignal, token: string | undefined): EventState | undefined {
    const matching = [...this.#instances.values()].filter(
      (instance) => instance.kind === kind && (token === undefined || instance.event.tokens.includes(token)),
    );
    if (matching.length === 0) return undefined;
    const active = matching.filter((instance) => instance.state);
    const deciding = active.length > 0 ? active : matching;
    const newest = deciding.reduce((a, b) => ((b.event.utcTime ?? 0) > (a.event.utcTime ?? 0) ? b : a));
    return {
      state: active.length > 0,
      confirmed: active.length > 0 ? active.some((instance) => instance.confirmed) : matching.every((i) => i.confirmed),
      utcTime: newest.event.utcTime,
    };
  }

  #restarted(event: FieldEvent): Edge | undefined {
    const before = this.#restartedAt;
    if (event.restartedAt === undefined) return undefined;
    this.#restartedAt = event.restartedAt;
    if (before === undefined || Math.abs(event.restartedAt - before) <= RESTART_TOLERANCE_MS) return undefined;
    return { state: undefined, recovered: event.repeated };
  }
}
