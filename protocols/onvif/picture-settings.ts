import { errorCode } from "#core/errors.ts";
import type { Value } from "#core/model/sample.ts";
import type { WriteResult } from "../driver.ts";
import type { ImagingSettings } from "./codec/imaging.ts";
import type { IoClient } from "./io-client.ts";
import { CONFIG_ERROR, good, type PointValue } from "./point-values.ts";
import { parseSwitch } from "./relays.ts";
import { failed, rejected, resultOf } from "./results.ts";
import { type ImagingSignal, IR_CUT_FILTER_MODES } from "./vocabulary.ts";

const BRIGHTNESS_TOLERANCE = 0.01;

/** Settings of the picture of one video source. */
export class PictureSettings {
  readonly #client: IoClient;
  readonly #device: string;
  #target: { readonly url: URL; readonly source: string } | undefined;
  #settings: ImagingSettings = {};

  constructor(client: IoClient, device: string) {
    this.#client = client;
    this.#device = device;
  }

  /** Names the service and the source; both undefined where the device has none. */
  connect(url: URL | undefined, source: string | undefined): void {
    this.#target = url === undefined || source === undefined ? undefined : { url, source };
    this.#settings = {};
  }

  /** Reads the settings. @throws as IoClient */
  async poll(signal: AbortSignal): Promise<void> {
    if (this.#target === undefined) return;
    try {
      this.#settings = await this.#client.imaging(this.#target.url, this.#target.source, signal);
    } catch (error) {
      if (errorCode(error) !== "ONVIF_FAULT") throw error;
      this.#settings = {};
    }
  }

  value(signal: ImagingSignal): PointValue {
    if (this.#target === undefined) return CONFIG_ERROR;
    const value = this.#settings[signal];
    if (typeof value !== "string") return good(value);
    const index = (IR_CUT_FILTER_MODES as readonly string[]).indexOf(value);
    return good(index < 0 ? undefined : index);
  }

  /** Changes one setting and reads it back. Never throws. */
  async write(name: ImagingSignal, value: Value, signal: AbortSignal): Promise<WriteResult> {
    const target = this.#target;
    if (target === undefined) return rejected("ONVIF_NO_IMAGING", `${this.#device} has no settings of its picture`);
    const change = changeOf(name, value);
    if (change === undefined) return rejected("ONVIF_VALUE_INVALID", `${name} of ${this.#device} cannot be that`);
    try {
      await this.#client.setImaging(target.url, target.source, change, signal);
      await this.poll(signal);
    } catch (error) {
      return resultOf(error);
    }
    const readBack = this.value(name).value;
    const close = typeof readBack === "number" && Math.abs(readBack - Number(value)) <= BRIGHTNESS_TOLERANCE;
    if (close || readBack === value || (name === "autoFocus" && readBack === parseSwitch(value)))
      return { status: "done", readBack };
    return failed("ONVIF_IMAGING_UNCONFIRMED", `${name} of ${this.#device}: wrote ${value}, it is ${readBack}`);
  }
}

function changeOf(name: ImagingSignal, value: Value): ImagingSettings | undefined {
  switch (name) {
    case "brightness":
      return typeof value === "number" && Number.isFinite(value) ? { brightness: value } : undefined;
    case "irCutFilter": {
      const mode = typeof value === "number" ? IR_CUT_FILTER_MODES[value] : undefined;
      return mode === undefined ? undefined : { irCutFilter: mode };
    }
    case "autoFocus": {
      const autoFocus = parseSwitch(value);
      return autoFocus === undefined ? undefined : { autoFocus };
    }
    default:
      return name satisfies never;
  }
}
