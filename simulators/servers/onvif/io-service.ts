import { NAMESPACES } from "#protocols/onvif/codec/namespaces.ts";
import { formatDuration, parseDuration } from "#protocols/onvif/codec/time.ts";
import type { XmlElement } from "#protocols/onvif/codec/xml.ts";
import type { SimulatedCamera } from "../../devices/camera.ts";
import {
  answer,
  DIGITAL_INPUT,
  type Operations,
  RELAY_OUTPUT,
  SERVICE_PATHS,
  type Service,
  SoapRefusal,
  VIDEO_SOURCE,
} from "./service.ts";

/** States of the camera's signal `relay-mode`, from 1. [ONVIF schema, RelayMode] */
const MODES = ["Bistable", "Monostable"];

function checkRelay(token: string | undefined): void {
  if (token !== RELAY_OUTPUT)
    throw new SoapRefusal("Sender", ["InvalidArgVal", "RelayToken"], `no relay ${token ?? ""}`);
}

function relayXml(camera: SimulatedCamera): string {
  const delay = formatDuration(Number(camera.read("relay-delay")) * 1000);
  return (
    `<tds:RelayOutputs token="${RELAY_OUTPUT}"><tt:Properties><tt:Mode>${MODES[Number(camera.read("relay-mode")) - 1]}</tt:Mode>` +
    `<tt:DelayTime>${delay}</tt:DelayTime><tt:IdleState>open</tt:IdleState></tt:Properties></tds:RelayOutputs>`
  );
}

function configureRelay(camera: SimulatedCamera, settings: XmlElement | undefined): void {
  const mode = MODES.indexOf(settings?.textAt("Mode") ?? "");
  const delayMs = parseDuration(settings?.textAt("DelayTime"));
  const idle = settings?.textAt("IdleState");
  const timed = mode === 1 && (delayMs === undefined || delayMs < 100 || delayMs > 120_000);
  if (mode < 0 || idle !== "open" || timed) {
    throw new SoapRefusal("Sender", ["InvalidArgVal", "ModeError"], "these relay settings are not supported");
  }
  camera.write("relay-mode", mode + 1);
  if (mode === 1) camera.write("relay-delay", (delayMs ?? 0) / 1000);
}

/** Relay outputs as both the device service and DeviceIO have them: with the elements of the device service. [ONVIF Core 8.6, Device IO 5.7] */
export function relayOperations(camera: SimulatedCamera): Operations {
  return {
    GetRelayOutputs: () => answer("tds", "GetRelayOutputsResponse", relayXml(camera)),
    SetRelayOutputSettings: ({ body }) => {
      checkRelay(body.textAt("RelayOutputToken"));
      configureRelay(camera, body.child("Properties"));
      return answer("tds", "SetRelayOutputSettingsResponse");
    },
    SetRelayOutputState: ({ body }) => {
      checkRelay(body.textAt("RelayOutputToken"));
      const state = body.textAt("LogicalState");
      if (state !== "active" && state !== "inactive") {
        throw new SoapRefusal("Sender", ["InvalidArgVal"], `no logical state ${state ?? ""}`);
      }
      camera.write("relay", state === "active");
      return answer("tds", "SetRelayOutputStateResponse");
    },
  };
}

/** DeviceIO service: one relay output, one digital input. [ONVIF Device IO 5] */
export function ioService(camera: SimulatedCamera): Service {
  return {
    name: "DeviceIO",
    namespace: NAMESPACES.tmd,
    path: SERVICE_PATHS.deviceIo,
    version: [21, 12],
    capabilities:
      `<tmd:Capabilities xmlns:tmd="${NAMESPACES.tmd}" VideoSources="1" VideoOutputs="0" AudioSources="0" AudioOutputs="0" ` +
      'RelayOutputs="1" SerialPorts="0" DigitalInputs="1" DigitalInputOptions="false"/>',
    operations: {
      GetDigitalInputs: () =>
        answer("tmd", "GetDigitalInputsResponse", `<tmd:DigitalInputs token="${DIGITAL_INPUT}" IdleState="open"/>`),
      GetVideoSources: () => answer("tmd", "GetVideoSourcesResponse", `<tmd:Token>${VIDEO_SOURCE}</tmd:Token>`),
      GetRelayOutputOptions: ({ body }) => {
        const token = body.textAt("RelayOutputToken");
        if (token !== undefined) checkRelay(token);
        return answer(
          "tmd",
          "GetRelayOutputOptionsResponse",
          `<tmd:RelayOutputOptions token="${RELAY_OUTPUT}"><tmd:Mode>Bistable</tmd:Mode><tmd:Mode>Monostable</tmd:Mode>` +
            "<tmd:DelayTimes>0.1 120</tmd:DelayTimes><tmd:Discrete>false</tmd:Discrete></tmd:RelayOutputOptions>",
        );
      },
      SetRelayOutputSettings: ({ body }) => {
        const relay = body.child("RelayOutput");
        checkRelay(relay?.attributes.get("token"));
        configureRelay(camera, relay?.child("Properties"));
        return answer("tmd", "SetRelayOutputSettingsResponse");
      },
    },
  };
}
