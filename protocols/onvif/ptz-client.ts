import { errorCode, InvalidInputError } from "#core/errors.ts";
import { decodePresets, decodePtzStatus, type PtzPosition, type PtzPreset, type PtzStatus } from "./codec/services.ts";
import { formatDuration } from "./codec/time.ts";
import { escapeXml, type XmlElement } from "./codec/xml.ts";
import type { SoapClient } from "./soap-client.ts";

/** Done twice these do something else: the head goes too far, a second preset is there. */
const ONCE = new Set(["RelativeMove", "SetPreset"]);

/** PTZ service of a device and a profile that moves. */
export interface PtzTarget {
  readonly url: URL;
  readonly profile: string;
}

/** How a movement begins. */
export type PtzStart =
  | { readonly kind: "preset"; readonly preset: string }
  | { readonly kind: "absolute" | "relative"; readonly position: PtzPosition }
  | { readonly kind: "home" };

/** A vector in the generic spaces; axes that are not given are left out and so stay as they are. [ONVIF PTZ 5.7] */
function vector(name: string, { pan, tilt, zoom }: PtzPosition): string {
  const panTilt = pan === undefined && tilt === undefined ? "" : `<tt:PanTilt x="${pan ?? 0}" y="${tilt ?? 0}"/>`;
  const zoomed = zoom === undefined ? "" : `<tt:Zoom x="${zoom}"/>`;
  return `<tptz:${name}>${panTilt}${zoomed}</tptz:${name}>`;
}

/** PTZ service of one device. Every method throws what SoapClient.call throws. */
export class PtzClient {
  readonly #soap: SoapClient;

  constructor(soap: SoapClient) {
    this.#soap = soap;
  }

  /** [ONVIF PTZ 5.4.2] */
  async presets(ptz: PtzTarget, signal: AbortSignal): Promise<readonly PtzPreset[]> {
    return decodePresets(await this.#call(ptz, "GetPresets", "", signal));
  }

  /** [ONVIF PTZ 5.2.3] */
  async status(ptz: PtzTarget, signal: AbortSignal): Promise<PtzStatus> {
    return decodePtzStatus(await this.#call(ptz, "GetStatus", "", signal));
  }

  /** Starts a movement to somewhere; the device answers before it is there. [ONVIF PTZ 5.3.2, 5.3.3, 5.4.4, 5.5.1] */
  async start(ptz: PtzTarget, start: PtzStart, signal: AbortSignal): Promise<void> {
    switch (start.kind) {
      case "preset":
        await this.#call(ptz, "GotoPreset", `<tptz:PresetToken>${escapeXml(start.preset)}</tptz:PresetToken>`, signal);
        return;
      case "absolute":
        await this.#call(ptz, "AbsoluteMove", vector("Position", start.position), signal);
        return;
      case "relative":
        await this.#call(ptz, "RelativeMove", vector("Translation", start.position), signal);
        return;
      case "home":
        await this.#call(ptz, "GotoHomePosition", "", signal);
        return;
      default:
        start satisfies never;
    }
  }

  /** Starts a movement by speed, -1 to 1 an axis; the device ends it by itself after `timeoutMs` where it can. [ONVIF PTZ 5.3.4] */
  async startContinuous(ptz: PtzTarget, speed: PtzPosition, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const velocity = vector("Velocity", speed);
    try {
      const timeout = `<tptz:Timeout>${formatDuration(timeoutMs)}</tptz:Timeout>`;
      await this.#call(ptz, "ContinuousMove", velocity + timeout, signal);
    } catch (error) {
      // Not every device takes every time-out; the hub sends Stop in any case.
      if (errorCode(error) !== "ONVIF_FAULT") throw error;
      await this.#call(ptz, "ContinuousMove", velocity, signal);
    }
  }

  /** [ONVIF PTZ 5.3.5] */
  async stop(ptz: PtzTarget, signal: AbortSignal): Promise<void> {
    await this.#call(ptz, "Stop", "<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>true</tptz:Zoom>", signal);
  }

  /** Stores the present position; gives the preset's token. `token` overwrites that preset. [ONVIF PTZ 5.4.1] */
  async setPreset(ptz: PtzTarget, name: string, token: string | undefined, signal: AbortSignal): Promise<string> {
    const overwritten = token === undefined ? "" : `<tptz:PresetToken>${escapeXml(token)}</tptz:PresetToken>`;
    const rest = `<tptz:PresetName>${escapeXml(name)}</tptz:PresetName>${overwritten}`;
    const stored = (await this.#call(ptz, "SetPreset", rest, signal)).textAt("PresetToken");
    if (stored === undefined) throw new InvalidInputError("ONVIF_MALFORMED", "SetPresetResponse without PresetToken");
    return stored;
  }

  #call(ptz: PtzTarget, operation: string, rest: string, signal: AbortSignal): Promise<XmlElement> {
    const profile = `<tptz:ProfileToken>${escapeXml(ptz.profile)}</tptz:ProfileToken>`;
    return this.#soap.call({
      url: ptz.url,
      body: `<tptz:${operation}>${profile}${rest}</tptz:${operation}>`,
      expects: `${operation}Response`,
      once: ONCE.has(operation),
      signal,
    });
  }
}
