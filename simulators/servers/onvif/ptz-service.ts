import { NAMESPACES } from "#protocols/onvif/codec/namespaces.ts";
import { formatDateTime, parseDuration } from "#protocols/onvif/codec/time.ts";
import { escapeXml, type XmlElement } from "#protocols/onvif/codec/xml.ts";
import type { CameraPosition, SimulatedCamera } from "../../devices/camera.ts";
import { MAX_PRESETS } from "../../devices/camera-head.ts";
import { answer, type Operation, PROFILES, profileOf, SERVICE_PATHS, type Service, SoapRefusal } from "./service.ts";

const PTZ_CONFIGURATION = "PTZC_1";
const PTZ_NODE = "PTZN_1";
const PAN_DEGREES = 180;
const TILT_DEGREES = 90;
/** A continuous move that names no end stops after this. [ONVIF PTZ 5.3.3] */
const DEFAULT_MOVE_SECONDS = 10;

/** The generic spaces of ONVIF PTZ §5.7: everything simulated here is in these. */
const SPACES = "http://www.onvif.org/ver10/tptz/";
const PAN_TILT = {
  absolute: `${SPACES}PanTiltSpaces/PositionGenericSpace`,
  relative: `${SPACES}PanTiltSpaces/TranslationGenericSpace`,
  continuous: `${SPACES}PanTiltSpaces/VelocityGenericSpace`,
};
const ZOOM = {
  absolute: `${SPACES}ZoomSpaces/PositionGenericSpace`,
  relative: `${SPACES}ZoomSpaces/TranslationGenericSpace`,
  continuous: `${SPACES}ZoomSpaces/VelocityGenericSpace`,
};

/** The PTZ configuration of every profile of a PTZ camera, as an element of either media service. */
export function ptzConfigurationXml(element: string): string {
  return (
    `<${element} token="${PTZ_CONFIGURATION}"><tt:Name>ptz</tt:Name><tt:UseCount>${PROFILES.length}</tt:UseCount>` +
    `<tt:NodeToken>${PTZ_NODE}</tt:NodeToken>` +
    `<tt:DefaultAbsolutePantTiltPositionSpace>${PAN_TILT.absolute}</tt:DefaultAbsolutePantTiltPositionSpace>` +
    `<tt:DefaultAbsoluteZoomPositionSpace>${ZOOM.absolute}</tt:DefaultAbsoluteZoomPositionSpace>` +
    `<tt:DefaultRelativePanTiltTranslationSpace>${PAN_TILT.relative}</tt:DefaultRelativePanTiltTranslationSpace>` +
    `<tt:DefaultRelativeZoomTranslationSpace>${ZOOM.relative}</tt:DefaultRelativeZoomTranslationSpace>` +
    `<tt:DefaultContinuousPanTiltVelocitySpace>${PAN_TILT.continuous}</tt:DefaultContinuousPanTiltVelocitySpace>` +
    `<tt:DefaultContinuousZoomVelocitySpace>${ZOOM.continuous}</tt:DefaultContinuousZoomVelocitySpace>` +
    `<tt:DefaultPTZTimeout>PT${DEFAULT_MOVE_SECONDS}S</tt:DefaultPTZTimeout></${element}>`
  );
}

function spacesXml(element: string): string {
  const range = (axis: string, min: number): string =>
    `<tt:${axis}><tt:Min>${min}</tt:Min><tt:Max>1</tt:Max></tt:${axis}>`;
  const panTilt = (name: string, uri: string): string =>
    `<tt:${name}><tt:URI>${uri}</tt:URI>${range("XRange", -1)}${range("YRange", -1)}</tt:${name}>`;
  const zoom = (name: string, uri: string, min: number): string =>
    `<tt:${name}><tt:URI>${uri}</tt:URI>${range("XRange", min)}</tt:${name}>`;
  return (
    `<${element}>${panTilt("AbsolutePanTiltPositionSpace", PAN_TILT.absolute)}` +
    zoom("AbsoluteZoomPositionSpace", ZOOM.absolute, 0) +
    panTilt("RelativePanTiltTranslationSpace", PAN_TILT.relative) +
    zoom("RelativeZoomTranslationSpace", ZOOM.relative, -1) +
    panTilt("ContinuousPanTiltVelocitySpace", PAN_TILT.continuous) +
    `${zoom("ContinuousZoomVelocitySpace", ZOOM.continuous, -1)}</${element}>`
  );
}

function nodeXml(): string {
  return (
    `<tptz:PTZNode token="${PTZ_NODE}" FixedHomePosition="false"><tt:Name>dome</tt:Name>${spacesXml("tt:SupportedPTZSpaces")}` +
    `<tt:MaximumNumberOfPresets>${MAX_PRESETS}</tt:MaximumNumberOfPresets><tt:HomeSupported>true</tt:HomeSupported></tptz:PTZNode>`
  );
}

/** Zoom factors 1 to the longest become 0 to 1 of the generic space. [ONVIF PTZ 5.7.1.2] */
function zoomRange(camera: SimulatedCamera): number {
  return camera.limits.zoom[1] - camera.limits.zoom[0];
}

function positionXml(camera: SimulatedCamera, at: CameraPosition, element: string): string {
  const zoom = (at.zoom - camera.limits.zoom[0]) / zoomRange(camera);
  return (
    `<${element}><tt:PanTilt x="${(at.pan / PAN_DEGREES).toFixed(6)}" y="${(at.tilt / TILT_DEGREES).toFixed(6)}" space="${PAN_TILT.absolute}"/>` +
    `<tt:Zoom x="${zoom.toFixed(6)}" space="${ZOOM.absolute}"/></${element}>`
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

/** A vector of the generic spaces in degrees and zoom factors; `zoomFrom` is what 0 of the zoom stands for. */
function vectorOf(camera: SimulatedCamera, vector: XmlElement | undefined, zoomFrom: number): Partial<CameraPosition> {
  const pan = coordinate(vector, "PanTilt", "x");
  const tilt = coordinate(vector, "PanTilt", "y");
  const zoom = coordinate(vector, "Zoom", "x");
  return {
    ...(pan === undefined ? {} : { pan: pan * PAN_DEGREES }),
    ...(tilt === undefined ? {} : { tilt: tilt * TILT_DEGREES }),
    ...(zoom === undefined ? {} : { zoom: zoomFrom + zoom * zoomRange(camera) }),
  };
}

function positionOf(camera: SimulatedCamera): CameraPosition {
  return { pan: Number(camera.read("pan")), tilt: Number(camera.read("tilt")), zoom: Number(camera.read("zoom")) };
}

function noToken(token: string): SoapRefusal {
  return new SoapRefusal("Sender", ["InvalidArgVal", "NoToken"], `no preset ${token}`);
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
  const state = camera.read("moving") === true ? "MOVING" : "IDLE";
  return (
    `<tptz:PTZStatus>${positionXml(camera, positionOf(camera), "tt:Position")}<tt:MoveStatus><tt:PanTilt>${state}</tt:PanTilt>` +
    `<tt:Zoom>${state}</tt:Zoom></tt:MoveStatus><tt:UtcTime>${formatDateTime(nowMs)}</tt:UtcTime></tptz:PTZStatus>`
  );
}

function setPreset(camera: SimulatedCamera, body: XmlElement): string {
  const token = body.textAt("PresetToken");
  if (token !== undefined && !camera.presets.some((preset) => preset.token === token)) throw noToken(token);
  const kept = camera.setPreset(body.textAt("PresetName"), token);
  if (kept === undefined) throw new SoapRefusal("Receiver", ["Action", "TooManyPresets"], "no room for a preset");
  return answer("tptz", "SetPresetResponse", `<tptz:PresetToken>${escapeXml(kept)}</tptz:PresetToken>`);
}

/** Operations on one profile: the profile is checked before anything moves. */
function moves(camera: SimulatedCamera): Readonly<Record<string, (body: XmlElement) => void>> {
  return {
    GotoPreset: (body) => {
      const token = body.textAt("PresetToken") ?? "";
      if (!camera.goToPreset(token)) throw noToken(token);
    },
    RemovePreset: (body) => {
      const token = body.textAt("PresetToken") ?? "";
      if (!camera.removePreset(token)) throw noToken(token);
    },
    GotoHomePosition: () => camera.goHome(),
    SetHomePosition: () => camera.setHome(),
    AbsoluteMove: (body) => camera.moveTo(vectorOf(camera, body.child("Position"), camera.limits.zoom[0])),
    RelativeMove: (body) => {
      const by = vectorOf(camera, body.child("Translation"), 0);
      const at = positionOf(camera);
      camera.moveTo({
        ...(by.pan === undefined ? {} : { pan: at.pan + by.pan }),
        ...(by.tilt === undefined ? {} : { tilt: at.tilt + by.tilt }),
        ...(by.zoom === undefined ? {} : { zoom: at.zoom + by.zoom }),
      });
    },
    ContinuousMove: (body) => {
      const velocity = body.child("Velocity");
      const timeout = body.textAt("Timeout");
      const ms = timeout === undefined ? DEFAULT_MOVE_SECONDS * 1000 : parseDuration(timeout);
      if (ms === undefined) throw new SoapRefusal("Sender", ["InvalidArgVal"], `Timeout ${timeout ?? ""}`);
      const rate = (element: string, attribute: string): number => coordinate(velocity, element, attribute) ?? 0;
      camera.moveWith({ pan: rate("PanTilt", "x"), tilt: rate("PanTilt", "y"), zoom: rate("Zoom", "x") }, ms / 1000);
    },
    Stop: () => camera.stopMove(),
  };
}

/** PTZ service of a camera that moves. [ONVIF PTZ 5] `deviceNow` is the camera's own clock, Unix ms. */
export function ptzService(camera: SimulatedCamera, deviceNow: () => number): Service {
  const performed: Record<string, Operation> = {};
  for (const [name, move] of Object.entries(moves(camera))) {
    performed[name] = ({ body }) => {
      profileOf(body);
      move(body);
      return answer("tptz", `${name}Response`);
    };
  }
  return {
    name: "PTZ",
    namespace: NAMESPACES.tptz,
    path: SERVICE_PATHS.ptz,
    version: [2, 60],
    capabilities: `<tptz:Capabilities xmlns:tptz="${NAMESPACES.tptz}" EFlip="false" Reverse="false" MoveStatus="true" StatusPosition="true"/>`,
    operations: {
      ...performed,
      GetNodes: () => answer("tptz", "GetNodesResponse", nodeXml()),
      GetNode: ({ body }) => {
        const token = body.textAt("NodeToken");
        if (token !== PTZ_NODE)
          throw new SoapRefusal("Sender", ["InvalidArgVal", "NoEntity"], `no node ${token ?? ""}`);
        return answer("tptz", "GetNodeResponse", nodeXml());
      },
      GetConfigurations: () =>
        answer("tptz", "GetConfigurationsResponse", ptzConfigurationXml("tptz:PTZConfiguration")),
      GetConfigurationOptions: () =>
        answer(
          "tptz",
          "GetConfigurationOptionsResponse",
          `<tptz:PTZConfigurationOptions>${spacesXml("tt:Spaces")}<tt:PTZTimeout><tt:Min>PT0.1S</tt:Min><tt:Max>PT60S</tt:Max></tt:PTZTimeout></tptz:PTZConfigurationOptions>`,
        ),
      GetPresets: ({ body }) => {
        profileOf(body);
        return answer("tptz", "GetPresetsResponse", presetsXml(camera));
      },
      SetPreset: ({ body }) => {
        profileOf(body);
        return setPreset(camera, body);
      },
      GetStatus: ({ body }) => {
        profileOf(body);
        return answer("tptz", "GetStatusResponse", statusXml(camera, deviceNow()));
      },
    },
  };
}
