import { escapeXml } from "#protocols/onvif/codec/xml.ts";
import type { SimulatedCamera } from "../../devices/camera.ts";
import { type Operations, PROFILES, profileOf, SERVICE_PATHS, VIDEO_SOURCE } from "./service.ts";

const FRAMES_PER_SECOND = 25;

/** Token of the PTZ configuration in every profile of a PTZ camera. */
export const PTZ_CONFIGURATION = "PTZC_1";
export const PTZ_NODE = "PTZN_1";

/** The position spaces of ONVIF PTZ §5.7; everything simulated here is in these. */
export const PAN_TILT_SPACE = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/PositionGenericSpace";
export const ZOOM_SPACE = "http://www.onvif.org/ver10/tptz/ZoomSpaces/PositionGenericSpace";

function profileXml(camera: SimulatedCamera, profile: (typeof PROFILES)[number]): string {
  const ptz = camera.ptz
    ? `<tt:PTZConfiguration token="${PTZ_CONFIGURATION}"><tt:Name>ptz</tt:Name><tt:UseCount>${PROFILES.length}</tt:UseCount>` +
      `<tt:NodeToken>${PTZ_NODE}</tt:NodeToken>` +
      `<tt:DefaultAbsolutePantTiltPositionSpace>${PAN_TILT_SPACE}</tt:DefaultAbsolutePantTiltPositionSpace>` +
      `<tt:DefaultAbsoluteZoomPositionSpace>${ZOOM_SPACE}</tt:DefaultAbsoluteZoomPositionSpace>` +
      "<tt:DefaultPTZTimeout>PT10S</tt:DefaultPTZTimeout></tt:PTZConfiguration>"
    : "";
  return (
    `<trt:Profiles token="${profile.token}" fixed="true"><tt:Name>${profile.name}</tt:Name>` +
    '<tt:VideoSourceConfiguration token="VSC_1"><tt:Name>video source</tt:Name>' +
    `<tt:UseCount>${PROFILES.length}</tt:UseCount><tt:SourceToken>${VIDEO_SOURCE}</tt:SourceToken>` +
    '<tt:Bounds x="0" y="0" width="1280" height="720"/></tt:VideoSourceConfiguration>' +
    `<tt:VideoEncoderConfiguration token="${profile.encoder}"><tt:Name>${profile.name}</tt:Name><tt:UseCount>1</tt:UseCount>` +
    `<tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>${profile.width}</tt:Width>` +
    `<tt:Height>${profile.height}</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality>` +
    `<tt:RateControl><tt:FrameRateLimit>${FRAMES_PER_SECOND}</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval>` +
    `<tt:BitrateLimit>${profile.bitrateKbps}</tt:BitrateLimit></tt:RateControl>` +
    "<tt:H264><tt:GovLength>50</tt:GovLength><tt:H264Profile>Main</tt:H264Profile></tt:H264>" +
    "<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration>" +
    `${ptz}</trt:Profiles>`
  );
}

function mediaUri(uri: string): string {
  return (
    `<trt:MediaUri><tt:Uri>${escapeXml(uri)}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>` +
    "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>"
  );
}

/** Media service. [ONVIF Media 5] `streamUrl` gives the RTSP address of a profile. */
export function mediaService(camera: SimulatedCamera, streamUrl: (profile: string) => string): Operations {
  return {
    GetProfiles: () =>
      `<trt:GetProfilesResponse>${PROFILES.map((p) => profileXml(camera, p)).join("")}</trt:GetProfilesResponse>`,
    GetVideoSources: () =>
      `<trt:GetVideoSourcesResponse><trt:VideoSources token="${VIDEO_SOURCE}">` +
      `<tt:Framerate>${FRAMES_PER_SECOND}</tt:Framerate><tt:Resolution><tt:Width>1280</tt:Width>` +
      "<tt:Height>720</tt:Height></tt:Resolution></trt:VideoSources></trt:GetVideoSourcesResponse>",
    GetStreamUri: ({ body }) =>
      `<trt:GetStreamUriResponse>${mediaUri(streamUrl(profileOf(body).name))}</trt:GetStreamUriResponse>`,
    GetSnapshotUri: ({ body, baseUrl }) => {
      const uri = `${baseUrl}${SERVICE_PATHS.snapshot}/${profileOf(body).token}.jpg`;
      return `<trt:GetSnapshotUriResponse>${mediaUri(uri)}</trt:GetSnapshotUriResponse>`;
    },
  };
}
