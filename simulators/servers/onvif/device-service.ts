import { NAMESPACES } from "#protocols/onvif/codec/namespaces.ts";
import { buildSystemDateAndTime } from "#protocols/onvif/codec/time.ts";
import { escapeXml } from "#protocols/onvif/codec/xml.ts";
import type { SimulatedCamera } from "../../devices/camera.ts";
import { type Operations, SERVICE_PATHS } from "./service.ts";

function servicesOf(camera: SimulatedCamera): readonly (readonly [namespace: string, path: string])[] {
  return [
    [NAMESPACES.tds, SERVICE_PATHS.device],
    [NAMESPACES.trt, SERVICE_PATHS.media],
    [NAMESPACES.tev, SERVICE_PATHS.events],
    ...(camera.ptz ? [[NAMESPACES.tptz, SERVICE_PATHS.ptz] as const] : []),
  ];
}

function capabilities(camera: SimulatedCamera, baseUrl: string): string {
  const address = (path: string): string => `<tt:XAddr>${escapeXml(baseUrl + path)}</tt:XAddr>`;
  return (
    `<tds:Capabilities><tt:Device>${address(SERVICE_PATHS.device)}</tt:Device>` +
    `<tt:Events>${address(SERVICE_PATHS.events)}<tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport>` +
    "<tt:WSPullPointSupport>true</tt:WSPullPointSupport>" +
    "<tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport></tt:Events>" +
    `<tt:Media>${address(SERVICE_PATHS.media)}<tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast>` +
    "<tt:RTP_TCP>true</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities></tt:Media>" +
    (camera.ptz ? `<tt:PTZ>${address(SERVICE_PATHS.ptz)}</tt:PTZ>` : "") +
    "</tds:Capabilities>"
  );
}

/** Device management service. [ONVIF Core 8] `deviceNow` is the camera's own clock, Unix ms. */
export function deviceService(camera: SimulatedCamera, serialNumber: string, deviceNow: () => number): Operations {
  return {
    GetSystemDateAndTime: () =>
      `<tds:GetSystemDateAndTimeResponse>${buildSystemDateAndTime(deviceNow())}</tds:GetSystemDateAndTimeResponse>`,
    GetServices: ({ baseUrl }) => {
      const services = servicesOf(camera).map(
        ([namespace, path]) =>
          `<tds:Service><tds:Namespace>${namespace}</tds:Namespace><tds:XAddr>${escapeXml(baseUrl + path)}</tds:XAddr>` +
          "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>",
      );
      return `<tds:GetServicesResponse>${services.join("")}</tds:GetServicesResponse>`;
    },
    GetCapabilities: ({ baseUrl }) =>
      `<tds:GetCapabilitiesResponse>${capabilities(camera, baseUrl)}</tds:GetCapabilitiesResponse>`,
    GetDeviceInformation: () =>
      "<tds:GetDeviceInformationResponse><tds:Manufacturer>Parkhub</tds:Manufacturer>" +
      `<tds:Model>${camera.ptz ? "Simulated PTZ" : "Simulated Fixed"}</tds:Model><tds:FirmwareVersion>1.10</tds:FirmwareVersion>` +
      `<tds:SerialNumber>${escapeXml(serialNumber)}</tds:SerialNumber><tds:HardwareId>1</tds:HardwareId>` +
      "</tds:GetDeviceInformationResponse>",
    GetScopes: () => {
      const scopes = [
        "onvif://www.onvif.org/type/video_encoder",
        "onvif://www.onvif.org/Profile/Streaming",
        ...(camera.ptz ? ["onvif://www.onvif.org/type/ptz"] : []),
        `onvif://www.onvif.org/name/${encodeURIComponent(camera.nameEn)}`,
        `onvif://www.onvif.org/hardware/${camera.ptz ? "SimulatedPTZ" : "SimulatedFixed"}`,
      ];
      const items = scopes.map(
        (scope) =>
          `<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>${escapeXml(scope)}</tt:ScopeItem></tds:Scopes>`,
      );
      return `<tds:GetScopesResponse>${items.join("")}</tds:GetScopesResponse>`;
    },
  };
}
