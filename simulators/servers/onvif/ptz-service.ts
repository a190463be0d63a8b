import { formatDateTime } from "#protocols/onvif/codec/time.ts";
import { escapeXml, type XmlElement } from "#protocols/onvif/codec/xml.ts";
import type { CameraPosition, SimulatedCamera } from "../../devices/camera.ts";
import { PAN_TILT_SPACE, PTZ_CONFIGURATION, PTZ_NODE, ZOOM_SPACE } from "./media-service.ts";
import { type Operations, profileOf, SoapRefusal } from "./service.ts";

const PAN_DEGREES = 180;
const TILT_DEGREES = 90;

/** Zoom factors 1 to the longest become 0 to 1 of the generic space. [ONVIF PTZ 5.7.1.2] */
function zoomRange(camera: SimulatedCamera): number {
  return camera.limits.zoom[1] - camera.limits.zoom[0];
}

function positionXml(camera: SimulatedCamera, at: CameraPosition, element: string): string {
  const zoom = (at.zoom - camera.limits.zoom[0]) / zoomRange(camera);
  return (
    `<${element}><tt:PanTilt x="${(at.pan / PAN_DEGREES).toFixed(6)}" y="${(at.tilt / TILT_DEGREES).toFixed(6)}" space="${PAN_TILT_SPACE}"/>` +
    `<tt:Zoom x="${zoom.toFixed(6)}" space="${ZOOM_SPACE}"/></${element}>`
  );
}

function coordinate(vector: XmlElement | undefined, element: string, attribute: string): number | undefined {
  const text = vector?.child(element)?.attributes.get(attribute);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || Math.abs(value) > 1) {
    throw new SoapRefusal("Sender", ["InvalidArgVal", "InvalidPosition"], `${element} ${attribute}="${text}"`);
  }
  return value;
}

function presetsXml(camera: SimulatedCamera): string {
  return camera.presets
    .map(
      (preset) =>
        `<tptz:Preset token="${escapeXml(preset.token)}"><tt:Name>${escapeXml(preset.name)}</tt:Name>` +
        `${positionXml(camera, preset, "tt:PTZPosition")}</tptz:Preset>`,
    )
    .join("");
}

function statusXml(camera: SimulatedCamera, nowMs: number): string {
  const at = { pan: Number(camera.read("pan")), tilt: Number(camera.read("tilt")), zoom: Number(camera.read("zoom")) };
  const state = camera.read("moving") === true ? "MOVING" : "IDLE";
  return (
    `<tptz:PTZStatus>${positionXml(camera, at, "tt:Position")}<tt:MoveStatus><tt:PanTilt>${state}</tt:PanTilt>` +
    `<tt:Zoom>${state}</tt:Zoom></tt:MoveStatus><tt:UtcTime>${formatDateTime(nowMs)}</tt:UtcTime></tptz:PTZStatus>`
  );
}

const NODE =
  `<tptz:PTZNode token="${PTZ_NODE}"><tt:Name>dome</tt:Name><tt:SupportedPTZSpaces>` +
  `<tt:AbsolutePanTiltPositionSpace><tt:URI>${PAN_TILT_SPACE}</tt:URI><tt:XRange><tt:Min>-1</tt:Min><tt:Max>1</tt:Max></tt:XRange>` +
  "<tt:YRange><tt:Min>-1</tt:Min><tt:Max>1</tt:Max></tt:YRange></tt:AbsolutePanTiltPositionSpace>" +
  `<tt:AbsoluteZoomPositionSpace><tt:URI>${ZOOM_SPACE}</tt:URI><tt:XRange><tt:Min>0</tt:Min><tt:Max>1</tt:Max></tt:XRange>` +
  "</tt:AbsoluteZoomPositionSpace></tt:SupportedPTZSpaces><tt:MaximumNumberOfPresets>255</tt:MaximumNumberOfPresets>" +
  "<tt:HomeSupported>false</tt:HomeSupported></tptz:PTZNode>";

const CONFIGURATION =
  `<tptz:PTZConfiguration token="${PTZ_CONFIGURATION}"><tt:Name>ptz</tt:Name><tt:UseCount>2</tt:UseCount>` +
  `<tt:NodeToken>${PTZ_NODE}</tt:NodeToken></tptz:PTZConfiguration>`;

/** PTZ service; a fixed camera has none. [ONVIF PTZ 5] `deviceNow` is the camera's own clock, Unix ms. */
export function ptzService(camera: SimulatedCamera, deviceNow: () => number): Operations {
  if (!camera.ptz) return {};
  return {
    GetNodes: () => `<tptz:GetNodesResponse>${NODE}</tptz:GetNodesResponse>`,
    GetConfigurations: () => `<tptz:GetConfigurationsResponse>${CONFIGURATION}</tptz:GetConfigurationsResponse>`,
    GetPresets: ({ body }) => {
      profileOf(body);
      return `<tptz:GetPresetsResponse>${presetsXml(camera)}</tptz:GetPresetsResponse>`;
    },
    GetStatus: ({ body }) => {
      profileOf(body);
      return `<tptz:GetStatusResponse>${statusXml(camera, deviceNow())}</tptz:GetStatusResponse>`;
    },
    GotoPreset: ({ body }) => {
      profileOf(body);
      const token = body.textAt("PresetToken") ?? "";
      if (!camera.goToPreset(token)) {
        throw new SoapRefusal("Sender", ["InvalidArgVal", "NoToken"], `no preset ${token}`);
      }
      return "<tptz:GotoPresetResponse/>";
    },
    AbsoluteMove: ({ body }) => {
      profileOf(body);
      const to = body.child("Position");
      const pan = coordinate(to, "PanTilt", "x");
      const tilt = coordinate(to, "PanTilt", "y");
      const zoom = coordinate(to, "Zoom", "x");
      camera.moveTo({
        ...(pan === undefined ? {} : { pan: pan * PAN_DEGREES }),
        ...(tilt === undefined ? {} : { tilt: tilt * TILT_DEGREES }),
        ...(zoom === undefined ? {} : { zoom: camera.limits.zoom[0] + zoom * zoomRange(camera) }),
      });
      return "<tptz:AbsoluteMoveResponse/>";
    },
    ContinuousMove: ({ body }) => {
      profileOf(body);
      const velocity = body.child("Velocity");
      camera.moveWith({
        pan: coordinate(velocity, "PanTilt", "x") ?? 0,
        tilt: coordinate(velocity, "PanTilt", "y") ?? 0,
        zoom: coordinate(velocity, "Zoom", "x") ?? 0,
      });
      return "<tptz:ContinuousMoveResponse/>";
    },
    Stop: ({ body }) => {
      profileOf(body);
      camera.stopMove();
      return "<tptz:StopResponse/>";
    },
  };
}
