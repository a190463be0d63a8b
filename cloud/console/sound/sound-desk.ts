import type { Clock } from "#core/clock.ts";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { AlarmPriority } from "#core/model/alarm.ts";
import { type FloodState, FloodWatch, NO_FLOOD } from "../live/alarm-flood.ts";
import { Cell } from "../live/cell.ts";
import type { ItemChanges, LiveCollection } from "../live/collection.ts";
import { SOUND_PATTERNS } from "./patterns.ts";
import { audibleOf, type HeardBy, isHeardBy, SoundDecision } from "./sound-decision.ts";
import type { Audibility, SoundPlayer } from "./sound-player.ts";

/** What the sounder does, for the eye. */
export interface SoundState {
  readonly sounding: AlarmPriority | undefined;
  /** Unacknowledged alarms silenced at this workplace. */
  readonly silenced: number;
  readonly audibility: Audibility;
}

export interface SoundDeskOptions {
  readonly clock: Clock;
  readonly alarms: Pick<LiveCollection<AlarmView>, "items" | "follow">;
  readonly player: SoundPlayer;
  /** 0 to 1. */
  readonly volume: Cell<number>;
  readonly heardBy: Cell<HeardBy>;
  /** When its answers change, `heardBy` must be set anew. */
  readonly inside: (space: string | undefined, area: string) => boolean;
}

/** So often it is looked whether this workplace can be heard, and whether a flood is over, ms. */
const CHECK_MS = 5000;
/** Changes of the list are taken together for so long, ms: a storm brings ten of them a second. */
const GATHER_MS = 100;

/** The sounder of one workplace: one pattern at a time, that of the most important alarm, again and again. */
export class SoundDesk {
  readonly state = new Cell<SoundState>({ sounding: undefined, silenced: 0, audibility: "ok" });
  readonly flood = new Cell<FloodState>(NO_FLOOD);
  readonly #options: SoundDeskOptions;
  readonly #decision = new SoundDecision();
  readonly #floods = new FloodWatch();
  #told: FloodState = NO_FLOOD;
  #audibility: Audibility = "ok";
  #stop: (() => void) | undefined;
  #cancelRepeat: (() => void) | undefined;
  #cancelUpdate: (() => void) | undefined;

  constructor(options: SoundDeskOptions) {
    this.#options = options;
  }

  /** Listens to the alarms until `stop`. */
  start(): void {
    if (this.#stop !== undefined) return;
    const { clock, alarms, heardBy } = this.#options;
    const ends = [
      alarms.follow((changes) => this.#take(changes)),
      heardBy.subscribe(() => this.#readAll()),
      clock.every(CHECK_MS, () => this.#check()),
    ];
    this.#stop = () => {
      for (const end of ends) end();
    };
    this.#readAll();
    void this.#wake();
  }

  /** Ends it: nobody is signed in. What was silenced is heard again by who comes next. */
  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#cancelUpdate?.();
    this.#cancelUpdate = undefined;
    this.#decision.resume();
    this.#decision.replace([]);
    this.#sound(undefined, 0);
  }

  /** What the cloud counts for this operator position. A flood is one where either sees it. */
  told(flood: FloodState): void {
    this.#told = flood;
    this.#update();
  }

  /** Silences what sounds now, at this workplace alone. It acknowledges nothing. [AL-17] */
  readonly silence = (): void => {
    // What is shown already but was not yet gathered is meant as well.
    this.#update();
    this.#decision.silence();
    this.#update();
  };

  /** Wakes the sound: from a click or a key. */
  readonly unlock = async (): Promise<void> => {
    if (this.#stop !== undefined && this.#audibility !== "ok") await this.#wake();
  };

  /** Lets a priority be heard once, at the volume set. */
  readonly test = async (priority: AlarmPriority): Promise<void> => {
    const { player, volume } = this.#options;
    await player.unlock();
    player.play(SOUND_PATTERNS[priority], volume.get());
  };

  async #wake(): Promise<void> {
    await this.#options.player.unlock();
    this.#check();
  }

  #check(): void {
    this.#audibility = this.#options.player.check();
    this.#update();
  }

  #readAll(): void {
    if (this.#stop === undefined) return;
    this.#hear({ put: this.#options.alarms.items(), gone: [], all: true });
    this.#update();
  }

  #take(changes: ItemChanges<AlarmView>): void {
    this.#hear(changes);
    this.#updateSoon();
  }

  /** Of ten thousand alarms only what has changed is looked at. The filter of the list plays no part; the operator position does. */
  #hear({ put, gone, all }: ItemChanges<AlarmView>): void {
    const { clock, heardBy, inside } = this.#options;
    const isMine = (alarm: AlarmView): boolean => isHeardBy(alarm, heardBy.get(), inside);
    if (all) this.#decision.replace(put.filter(isMine).flatMap((alarm) => audibleOf(alarm) ?? []));
    else for (const alarm of put) this.#decision.change(alarm.id, isMine(alarm) ? audibleOf(alarm) : undefined);
    for (const id of gone) this.#decision.change(id, undefined);
    this.#floods.update(put.filter(isMine), clock.now());
  }

  #updateSoon(): void {
    this.#cancelUpdate ??= this.#options.clock.after(GATHER_MS, () => {
      this.#cancelUpdate = undefined;
      this.#update();
    });
  }

  #update(): void {
    if (this.#stop === undefined) return;
    const own = this.#floods.update([], this.#options.clock.now());
    const flood = {
      flooding: own.flooding || this.#told.flooding,
      raised: Math.max(own.raised, this.#told.raised),
    };
    const before = this.flood.get();
    if (flood.flooding !== before.flooding || flood.raised !== before.raised) this.flood.set(flood);
    const { priority, silenced } = this.#decision.sounding(flood.flooding);
    this.#sound(priority, silenced);
  }

  #sound(sounding: AlarmPriority | undefined, silenced: number): void {
    const before = this.state.get();
    const audibility = this.#audibility;
    if (sounding === before.sounding && silenced === before.silenced && audibility === before.audibility) return;
    this.state.set({ sounding, silenced, audibility });
    if (sounding === before.sounding && audibility === before.audibility) return;
    this.#cancelRepeat?.();
    this.#cancelRepeat = undefined;
    if (sounding !== undefined) this.#repeat(sounding);
  }

  #repeat(priority: AlarmPriority): void {
    const { player, volume, clock } = this.#options;
    const pattern = SOUND_PATTERNS[priority];
    player.play(pattern, volume.get());
    this.#cancelRepeat = clock.every(pattern.everyMs, () => player.play(pattern, volume.get()));
  }
}
