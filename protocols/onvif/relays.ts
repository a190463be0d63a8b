import type { Clock } from "#core/clock.ts";
import { errorCode } from "#core/errors.ts";
import type { Value } from "#core/model/sample.ts";
import type { WriteResult } from "../driver.ts";
import type { OnvifCounters } from "./counters.ts";
import type { DeviceServices } from "./device-client.ts";
import type { IoClient } from "./io-client.ts";
import type { FieldEvent } from "./map.ts";
import { failed, rejected, resultOf } from "./results.ts";
import { sleep } from "./sleep.ts";

/** What the relays of a device need of its session. */
export interface RelayDeps {
  readonly client: IoClient;
  readonly clock: Clock;
  readonly counters: OnvifCounters;
  readonly device: string;
  readonly confirmMs: number;
  /** State of a relay as the events tell it; undefined where they do not. */
  readonly state: (token: string) => boolean | undefined;
  /** Asks the device to tell all its properties again. */
  readonly repeat: (signal: AbortSignal) => Promise<void>;
}

/** true, false, 1 or 0 as a state; undefined for anything else. */
export function parseSwitch(value: Value): boolean | undefined {
  if (value === true || value === 1) return true;
  return value === false || value === 0 ? false : undefined;
}

/** The relay outputs of one device. ONVIF has no way to read one: only its events show what it does. */
export class Relays {
  readonly #deps: RelayDeps;
  readonly #listeners = new Set<(event: FieldEvent) => void>();

  constructor(deps: RelayDeps) {
    this.#deps = deps;
  }

  /** Takes in an event of a relay. */
  told(event: FieldEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Switches a relay and waits until its event shows it. Without `token` the only one there is. Never throws. */
  async write(
    services: DeviceServices,
    token: string | undefined,
    value: Value,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const { client, device } = this.#deps;
    const active = parseSwitch(value);
    if (active === undefined) return rejected("ONVIF_VALUE_INVALID", `a relay of ${device} is true or false`);
    try {
      const relay = token ?? (await this.#onlyOne(services, signal));
      if (relay === undefined)
        return rejected("ONVIF_RELAY_UNKNOWN", `${device} has not exactly one relay: the point needs a token`);
      return await this.#switch(relay, active, () => client.setRelay(services, relay, active, signal), signal);
    } catch (error) {
      return resultOf(error);
    }
  }

  async #onlyOne(services: DeviceServices, signal: AbortSignal): Promise<string | undefined> {
    const relays = await this.#deps.client.relays(services, signal);
    return relays.length === 1 ? relays[0]?.token : undefined;
  }

  async #switch(relay: string, active: boolean, send: () => Promise<void>, signal: AbortSignal): Promise<WriteResult> {
    const { clock, confirmMs, counters, device } = this.#deps;
    const seen = new AbortController();
    let last: boolean | undefined;
    const listener = (event: FieldEvent): void => {
      if (!event.tokens.includes(relay) || event.state === undefined) return;
      last = event.state;
      if (last === active) seen.abort();
    };
    this.#listeners.add(listener);
    try {
      await send();
      const either = AbortSignal.any([signal, seen.signal]);
      // A relay that is there already tells nothing: half the time for its event, then it is asked to repeat itself.
      await sleep(clock, confirmMs / 2, either);
      if (!either.aborted) {
        await this.#repeat(signal);
        await sleep(clock, confirmMs / 2, either);
      }
    } finally {
      this.#listeners.delete(listener);
    }
    if (seen.signal.aborted || (last === undefined && this.#deps.state(relay) === active))
      return { status: "done", readBack: active };
    counters.unconfirmed++;
    const state = last ?? this.#deps.state(relay);
    const shown = state === undefined ? "tells no state" : `is ${state ? "active" : "inactive"}`;
    return failed("ONVIF_RELAY_UNCONFIRMED", `relay ${relay} of ${device}: asked for ${active}, ${shown}`);
  }

  async #repeat(signal: AbortSignal): Promise<void> {
    try {
      await this.#deps.repeat(signal);
    } catch (error) {
      // Without it the state that is known decides.
      if (errorCode(error) !== "ONVIF_FAULT") throw error;
    }
  }
}
