import type { Clock } from "#core/clock.ts";
import type { DeviceId } from "#core/ids.ts";
import type { ActionRequest, ActionResult } from "../../../driver.ts";
import { UNCONFIRMED } from "../../codec/enums.ts";
import { type Peer, peerKey } from "../../codec/frame.ts";
import { decodeIHave, encodeWhoHas, type IHave, type WhoHas } from "../../codec/services/who-has.ts";
import type { Station } from "../../station/ports.ts";
import { objectName, objectOf } from "../alarms/alarm-map.ts";

/** What asking needs. */
export interface WhoHasDeps {
  readonly clock: Clock;
  readonly station: Station;
  /** How long answers are waited for, ms. */
  readonly waitMs: number;
  /** Devices that are kept in touch with: asked by their address too, where broadcasts do not reach. */
  readonly devices: () => readonly {
    readonly device: DeviceId;
    readonly instance: number;
    readonly peer: Peer | undefined;
  }[];
}

const MOST_ANSWERS = 1000;
const LONGEST_NAME = 400;

type Answers = Map<string, { readonly has: IHave; readonly at: string }>;

/** Who-Has for the channel as a whole: `whoHas {name}` or `whoHas {object}`. [BACnet 16.9] */
export class WhoHasAsker {
  readonly #deps: WhoHasDeps;
  readonly #open = new Set<Answers>();

  constructor(deps: WhoHasDeps) {
    this.#deps = deps;
  }

  /** An I-Have came. @throws BACNET_MALFORMED */
  answered(peer: Peer, body: Uint8Array): void {
    if (this.#open.size === 0) return;
    const has = decodeIHave(body);
    const key = `${has.device.instance} ${objectName(has.object)}`;
    for (const answers of this.#open) if (answers.size < MOST_ANSWERS) answers.set(key, { has, at: peerKey(peer) });
  }

  /** Asks everybody, and gives who answered in time. Never rejects. */
  async ask({ params }: ActionRequest, signal: AbortSignal): Promise<ActionResult> {
    const wanted = wantedOf(params["name"], params["object"]);
    if (wanted === undefined) {
      const message = 'expected "name", an object name, or "object", e.g. analog-input:1';
      return { status: "rejected", code: "BACNET_PARAMETER_INVALID", message };
    }
    const { clock, station, waitMs, devices } = this.#deps;
    const answers: Answers = new Map();
    this.#open.add(answers);
    const body = encodeWhoHas({ object: wanted });
    station.announce(UNCONFIRMED.whoHas, body, { broadcast: "global" });
    for (const { peer } of devices()) if (peer !== undefined) station.announce(UNCONFIRMED.whoHas, body, peer);
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = (): void => resolve();
    const cancel = clock.after(waitMs, done);
    signal.addEventListener("abort", done, { once: true });
    await promise;
    cancel();
    signal.removeEventListener("abort", done);
    this.#open.delete(answers);
    const bound = new Map(devices().map(({ device, instance }) => [instance, device]));
    const found = [...answers.values()].map(({ has, at }) => {
      const device = bound.get(has.device.instance);
      return {
        instance: has.device.instance,
        ...(device === undefined ? {} : { device }),
        object: objectName(has.object),
        name: has.objectName,
        address: at,
      };
    });
    const bytes = new TextEncoder().encode(JSON.stringify({ at: clock.now(), found }));
    return { status: "done", blob: { contentType: "application/json", bytes } };
  }
}

function wantedOf(name: unknown, object: unknown): WhoHas["object"] | undefined {
  if (typeof name === "string" && name !== "" && name.length <= LONGEST_NAME) return { type: "name", value: name };
  const id = objectOf(object);
  return id === undefined ? undefined : { type: "identifier", value: id };
}
