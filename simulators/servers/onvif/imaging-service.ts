import { NAMESPACES } from "#protocols/onvif/codec/namespaces.ts";
import type { XmlElement } from "#protocols/onvif/codec/xml.ts";
import type { SimulatedCamera } from "../../devices/camera.ts";
import { answer, SERVICE_PATHS, type Service, SoapRefusal, VIDEO_SOURCE } from "./service.ts";

/** Settings of 0 to 100, by element, in the order of the schema. [ONVIF schema, ImagingSettings20] */
const SHARES = { Brightness: "brightness", ColorSaturation: "color-saturation", Contrast: "contrast" } as const;
/** States of the signal `ir-cut-filter`, from 1. [ONVIF schema, IrCutFilterMode] */
const FILTER_MODES = ["ON", "OFF", "AUTO"];

function checkSource(body: XmlElement): void {
  const token = body.textAt("VideoSourceToken");
  if (token !== VIDEO_SOURCE) {
    throw new SoapRefusal("Sender", ["InvalidArgVal", "NoSource"], `no video source ${token ?? ""}`);
  }
}

function settingsXml(camera: SimulatedCamera): string {
  const share = (element: string, signal: string): string => `<tt:${element}>${camera.read(signal)}</tt:${element}>`;
  const shares = Object.entries(SHARES).map(([element, signal]) => share(element, signal));
  return (
    `<timg:ImagingSettings>${shares.join("")}` +
    `<tt:Focus><tt:AutoFocusMode>${camera.read("auto-focus") === true ? "AUTO" : "MANUAL"}</tt:AutoFocusMode></tt:Focus>` +
    `<tt:IrCutFilter>${FILTER_MODES[Number(camera.read("ir-cut-filter")) - 1]}</tt:IrCutFilter>` +
    `${share("Sharpness", "sharpness")}</timg:ImagingSettings>`
  );
}

function invalid(what: string): SoapRefusal {
  return new SoapRefusal("Sender", ["InvalidArgVal", "SettingsInvalid"], what);
}

/** Changes what the request names, all or nothing. [ONVIF Imaging 5.2.3] */
function applySettings(camera: SimulatedCamera, settings: XmlElement | undefined): void {
  if (settings === undefined) throw invalid("no settings");
  const changes: [signal: string, value: number | boolean][] = [];
  for (const [element, signal] of Object.entries({ ...SHARES, Sharpness: "sharpness" })) {
    const text = settings.textAt(element);
    if (text === undefined) continue;
    const value = Number(text);
    if (!(value >= 0 && value <= 100)) throw invalid(`${element} ${text}`);
    changes.push([signal, value]);
  }
  const filter = settings.textAt("IrCutFilter");
  if (filter !== undefined) {
    const state = FILTER_MODES.indexOf(filter) + 1;
    if (state === 0) throw invalid(`IrCutFilter ${filter}`);
    changes.push(["ir-cut-filter", state]);
  }
  const focus = settings.textAt("Focus", "AutoFocusMode");
  if (focus !== undefined) {
    if (focus !== "AUTO" && focus !== "MANUAL") throw invalid(`AutoFocusMode ${focus}`);
    changes.push(["auto-focus", focus === "AUTO"]);
  }
  for (const [signal, value] of changes) camera.write(signal, value);
}

/** Imaging service: brightness, saturation, contrast, sharpness, focus mode and infrared filter. [ONVIF Imaging 5.2] */
export function imagingService(camera: SimulatedCamera): Service {
  const range = (element: string): string => `<tt:${element}><tt:Min>0</tt:Min><tt:Max>100</tt:Max></tt:${element}>`;
  return {
    name: "Imaging",
    namespace: NAMESPACES.timg,
    path: SERVICE_PATHS.imaging,
    version: [19, 6],
    capabilities: `<timg:Capabilities xmlns:timg="${NAMESPACES.timg}" ImageStabilization="false" Presets="false"/>`,
    operations: {
      GetImagingSettings: ({ body }) => {
        checkSource(body);
        return answer("timg", "GetImagingSettingsResponse", settingsXml(camera));
      },
      SetImagingSettings: ({ body }) => {
        checkSource(body);
        applySettings(camera, body.child("ImagingSettings"));
        return answer("timg", "SetImagingSettingsResponse");
      },
      GetOptions: ({ body }) => {
        checkSource(body);
        const modes = FILTER_MODES.map((mode) => `<tt:IrCutFilterModes>${mode}</tt:IrCutFilterModes>`);
        return answer(
          "timg",
          "GetOptionsResponse",
          `<timg:ImagingOptions>${Object.keys(SHARES).map(range).join("")}<tt:Focus><tt:AutoFocusModes>AUTO</tt:AutoFocusModes>` +
            `<tt:AutoFocusModes>MANUAL</tt:AutoFocusModes></tt:Focus>${modes.join("")}${range("Sharpness")}</timg:ImagingOptions>`,
        );
      },
    },
  };
}
