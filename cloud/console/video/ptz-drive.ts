import type { Clock } from "#core/clock.ts";
import type { PtzRequest } from "../api/hub-api.ts";

/** Where a camera is driven: shares of its greatest speed, -1 to 1. */
export interface Direction {
  readonly pan?: number;
  readonly tilt?: number;
  readonly zoom?: number;
}

export interface PtzDriveOptions {
  readonly clock: Clock;
  readonly send: (request: PtzRequest) => Promise<unknown>;
  readonly onFailure: (error: unknown) => void;
}

/** A movement ends by itself after so long: a page that is gone leaves no camera turning. */
const MOVE_S = 2;
const AGAIN_MS = 1200;

/** Turns a camera while a key or a button is held. One request at a time; what is wanted last is what is done. */
export class PtzDrive {
  readonly #options: PtzDriveOptions;
  #wanted: Direction | undefined;
  /** What the camera was told last; undefined: to stand. */
  #told: Direction | undefined;
  /** The requests that are under way, one after the other. */
  #working: Promise<void> | undefined;
  #cancel: (() => void) | undefined;

  constructor(options: PtzDriveOptions) {
    this.#options = options;
  }

  /** Is a direction held? */
  get moving(): boolean {
    return this.#wanted !== undefined;
  }

  hold(direction: Direction): void {
    this.#wanted = direction;
    this.#go();
  }

  release(): void {
    if (this.#wanted === undefined) return;
    this.#wanted = undefined;
    this.#go();
  }

  /** Stops the camera, also when nothing is held. */
  stop(): void {
    this.#wanted = undefined;
    this.#told ??= {};
    this.#go();
  }

  /** Lets go, and resolves when the camera has been told: what is asked of it next comes after. */
  async rest(): Promise<void> {
    this.release();
    await this.#working;
  }

  #go(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      if (this.#wanted !== this.#told) this.#go();
    });
  }

  async #work(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    // Whatever was wanted while a request was under way comes after it.
    while (this.#wanted !== this.#told) {
      const next = this.#wanted;
      this.#told = next;
      await this.#send(next === undefined ? { stop: true } : { ...next, seconds: MOVE_S });
    }
    if (this.#wanted !== undefined) this.#cancel = this.#options.clock.after(AGAIN_MS, () => this.#again());
  }

  /** Still held: the movement goes on. */
  #again(): void {
    this.#told = undefined;
    this.#go();
  }

  async #send(request: PtzRequest): Promise<void> {
    try {
      await this.#options.send(request);
    } catch (error) {
      // Not tried again: a person who still holds the button sees why nothing moves.
      this.#wanted = undefined;
      if (!("stop" in request)) this.#told = undefined;
      this.#options.onFailure(error);
    }
  }
}
