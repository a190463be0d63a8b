import type { XmlElement } from "./xml.ts";

/** The settings of a picture that the hub reads and writes; absent where the device has none. [ONVIF Imaging 5.2] */
export interface ImagingSettings {
  readonly brightness?: number;
  /** `ON`, `OFF` or `AUTO`. */
  readonly irCutFilter?: string;
  readonly autoFocus?: boolean;
}

/** Reads a GetImagingSettingsResponse. */
export function decodeImagingSettings(response: XmlElement): ImagingSettings {
  const settings = response.child("ImagingSettings");
  const brightness = Number(settings?.textAt("Brightness") ?? Number.NaN);
  const irCutFilter = settings?.textAt("IrCutFilter");
  const focus = settings?.textAt("Focus", "AutoFocusMode");
  return {
    ...(Number.isFinite(brightness) ? { brightness } : {}),
    ...(irCutFilter === undefined ? {} : { irCutFilter }),
    ...(focus === "AUTO" || focus === "MANUAL" ? { autoFocus: focus === "AUTO" } : {}),
  };
}

/** Content of an ImagingSettings element that changes what is given and leaves all else as it is. Elements in the order of the schema. */
export function buildImagingSettings(change: ImagingSettings): string {
  const focus = change.autoFocus === undefined ? undefined : change.autoFocus ? "AUTO" : "MANUAL";
  return [
    change.brightness === undefined ? "" : `<tt:Brightness>${change.brightness}</tt:Brightness>`,
    focus === undefined ? "" : `<tt:Focus><tt:AutoFocusMode>${focus}</tt:AutoFocusMode></tt:Focus>`,
    change.irCutFilter === undefined ? "" : `<tt:IrCutFilter>${change.irCutFilter}</tt:IrCutFilter>`,
  ].join("");
}
