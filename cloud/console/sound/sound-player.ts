import type { SoundPattern } from "./patterns.ts";

interface Parameter {
  setValueAtTime(value: number, at: number): unknown;
  linearRampToValueAtTime(value: number, at: number): unknown;
}
/** What of the browser's Web Audio the player uses. */
export interface AudioOutput {
  readonly state: string;
  /** Seconds; goes on while it plays, also in silence. */
  readonly currentTime: number;
  readonly destination: unknown;
  resume(): Promise<void>;
  close(): Promise<void>;
  createOscillator(): {
    readonly frequency: Parameter;
    connect(to: unknown): unknown;
    start(at: number): void;
    stop(at: number): void;
  };
  createGain(): { readonly gain: Parameter; connect(to: unknown): unknown };
}

/**
 * Can this workplace be heard? `blocked`: the browser waits for a click or a key; `stalled`: it plays, but its time stands still
 * (the sound device is gone); `absent`: it has no sound at all.
 */
export type Audibility = "ok" | "blocked" | "stalled" | "absent";

/** The browser's sound. */
export interface SoundSource {
  /** Has the browser any? */
  available(): boolean;
  /** Opens it; undefined while it must not be opened: nobody has used the page yet. */
  open(): AudioOutput | undefined;
}

/** Ramp at both ends of a tone, s: without it a tone clicks. */
const RAMP_S = 0.012;

/** Plays patterns by Web Audio: no file, no request. */
export class SoundPlayer {
  readonly #source: SoundSource;
  #output: AudioOutput | undefined;
  #checkedS: number | undefined;
  #stalled = false;

  constructor(source: SoundSource) {
    this.#source = source;
  }

  /** Opens the sound or wakes it, anew where its device has gone. Works only from a click or a key: a browser plays nothing before. */
  async unlock(): Promise<void> {
    if (!this.#source.available()) return;
    // What stands still does not go on by being woken: it runs already. Another one plays on the device of now.
    if (this.#stalled) {
      void this.#output?.close().catch(() => undefined);
      this.#output = undefined;
      this.#checkedS = undefined;
      this.#stalled = false;
    }
    this.#output ??= this.#source.open();
    // A refusal shows in the check.
    if (this.#output !== undefined && this.#output.state !== "running")
      await this.#output.resume().catch(() => undefined);
  }

  /** Plays a pattern once; `volume` is 0 to 1. Without sound it does nothing: the check tells. */
  play({ tones }: SoundPattern, volume: number): void {
    const output = this.#output;
    if (output === undefined || output.state !== "running" || volume <= 0) return;
    const from = output.currentTime + 0.02;
    for (const { atS, forS, hertz } of tones) {
      const tone = output.createOscillator();
      const gain = output.createGain();
      const start = from + atS;
      tone.frequency.setValueAtTime(hertz, start);
      gain.gain.setValueAtTime(0, start);
      gain.gain.linearRampToValueAtTime(volume, start + RAMP_S);
      gain.gain.setValueAtTime(volume, start + forS - RAMP_S);
      gain.gain.linearRampToValueAtTime(0, start + forS);
      tone.connect(gain);
      gain.connect(output.destination);
      tone.start(start);
      tone.stop(start + forS);
    }
  }

  /** Looks whether it can be heard. Two looks must lie some time apart: between them the sound's own time has to go on. */
  check(): Audibility {
    const output = this.#output;
    if (!this.#source.available()) return "absent";
    if (output === undefined || output.state !== "running") {
      this.#checkedS = undefined;
      this.#stalled = false;
      return "blocked";
    }
    const before = this.#checkedS;
    this.#checkedS = output.currentTime;
    this.#stalled = before !== undefined && output.currentTime <= before;
    return this.#stalled ? "stalled" : "ok";
  }
}
