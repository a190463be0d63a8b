import type { Clock } from "#core/clock.ts";
import { ERROR_CLASS, ERROR_CODE } from "../codec/enums.ts";
import type { ErrorPair } from "../codec/services/error.ts";

/** How a device starts again. `cold`: also what a power loss would keep is gone. */
export type Restart = "warm" | "cold";

/** DeviceCommunicationControl: may the device answer, and may it speak first? [BACnet 16.1] */
export type Communication = "enabled" | "disabled" | "initiationDisabled";

const PASSWORD_FAILURE: ErrorPair = { errorClass: ERROR_CLASS.security, errorCode: ERROR_CODE.passwordFailure };

/** What remote device management has done to a device. */
export class Lifecycle {
  readonly #clock: Clock;
  readonly #password: string | undefined;
  #communication: Communication = "enabled";
  // no timer: 65535 minutes are longer than the machine's timers wait
  #until = Number.POSITIVE_INFINITY;

  /** Without `password` any is taken. */
  constructor(clock: Clock, password: string | undefined) {
    this.#clock = clock;
    this.#password = password;
  }

  get communication(): Communication {
    return this.#clock.monotonic() < this.#until ? this.#communication : "enabled";
  }

  /** May it send requests of its own? */
  get initiates(): boolean {
    return this.communication === "enabled";
  }

  /** Undefined when the password is right. */
  refuses(password: string | undefined): ErrorPair | undefined {
    return this.#password === undefined || password === this.#password ? undefined : PASSWORD_FAILURE;
  }

  /** Ends by itself after `minutes`, where they are given. */
  communicate(communication: Communication, minutes?: number): void {
    this.#communication = communication;
    const ends = minutes !== undefined && minutes > 0;
    this.#until = ends ? this.#clock.monotonic() + minutes * 60_000 : Number.POSITIVE_INFINITY;
  }

  /** Power loss, or the end. */
  reset(): void {
    this.communicate("enabled");
  }
}
