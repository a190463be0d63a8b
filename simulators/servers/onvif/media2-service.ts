import { NAMESPACES } from "#protocols/onvif/codec/namespaces.ts";
import { escapeXml } from "#protocols/onvif/codec/xml.ts";
import { type MediaContext, videoSourceXml } from "./media-service.ts";
import { ptzConfigurationXml } from "./ptz-service.ts";
import {
  answer,
  type CameraProfile,
  FRAMES_PER_SECOND,
  PROFILES,
  profileOf,
  SERVICE_PATHS,
  type Service,
  SoapRefusal,
} from "./service.ts";

/** Protocols of a stream of a camera without TLS, multicast and tunnels. [ONVIF Media2 5.6.1] */
const PROTOCOLS = ["RtspUnicast", "RTSP"];

function encoderXml({ codecOf }: MediaContext, profile: CameraProfile, element: string): string {
  const codec = codecOf(profile);
  return (
    `<${element} token="${profile.encoder}" GovLength="25" Profile="${codec === "H265" ? "Main" : "Baseline"}">` +
    `<tt:Name>${profile.name}</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>${codec}</tt:Encoding>` +
    `<tt:Resolution><tt:Width>${profile.width}</tt:Width><tt:Height>${profile.height}</tt:Height></tt:Resolution>` +
    `<tt:RateControl ConstantBitRate="false"><tt:FrameRateLimit>${FRAMES_PER_SECOND}</tt:FrameRateLimit>` +
    `<tt:BitrateLimit>${profile.bitrateKbps}</tt:BitrateLimit></tt:RateControl><tt:Quality>4</tt:Quality></${element}>`
  );
}

/** A profile with the configurations asked for; with none where no type is given. [ONVIF Media2 5.2.3] */
function profileXml(context: MediaContext, profile: CameraProfile, types: readonly string[]): string {
  const asked = (type: string): boolean => types.includes("All") || types.includes(type);
  const configurations = [
    asked("VideoSource") ? videoSourceXml("tr2:VideoSource") : "",
    asked("VideoEncoder") ? encoderXml(context, profile, "tr2:VideoEncoder") : "",
    asked("PTZ") && context.camera.ptz ? ptzConfigurationXml("tr2:PTZ") : "",
  ].join("");
  const set = configurations === "" ? "" : `<tr2:Configurations>${configurations}</tr2:Configurations>`;
  return `<tr2:Profiles token="${profile.token}" fixed="true"><tr2:Name>${profile.name}</tr2:Name>${set}</tr2:Profiles>`;
}

/** Media2 service. [ONVIF Media2 5] */
export function media2Service(context: MediaContext): Service {
  return {
    name: "Media2",
    namespace: NAMESPACES.tr2,
    path: SERVICE_PATHS.media2,
    version: [21, 12],
    capabilities:
      `<tr2:Capabilities xmlns:tr2="${NAMESPACES.tr2}" SnapshotUri="true" Rotation="false" VideoSourceMode="false" OSD="false">` +
      '<tr2:ProfileCapabilities MaximumNumberOfProfiles="2" ConfigurationsSupported="VideoSource VideoEncoder PTZ"/>' +
      '<tr2:StreamingCapabilities RTSPStreaming="true" RTPMulticast="false" RTP_RTSP_TCP="true" NonAggregateControl="false"/>' +
      "</tr2:Capabilities>",
    operations: {
      GetProfiles: ({ body }) => {
        const only = body.textAt("Token") === undefined ? PROFILES : [profileOf(body, "Token")];
        const types = body.all("Type").map((type) => type.text);
        const profiles = only.map((profile) => profileXml(context, profile, types));
        return answer("tr2", "GetProfilesResponse", profiles.join(""));
      },
      GetVideoSourceConfigurations: () =>
        answer("tr2", "GetVideoSourceConfigurationsResponse", videoSourceXml("tr2:Configurations")),
      GetVideoEncoderConfigurations: ({ body }) => {
        const only = body.textAt("ProfileToken") === undefined ? PROFILES : [profileOf(body)];
        const token = body.textAt("ConfigurationToken");
        const configurations = only
          .filter((profile) => token === undefined || profile.encoder === token)
          .map((profile) => encoderXml(context, profile, "tr2:Configurations"));
        return answer("tr2", "GetVideoEncoderConfigurationsResponse", configurations.join(""));
      },
      GetStreamUri: ({ body }) => {
        const protocol = body.textAt("Protocol") ?? "";
        if (!PROTOCOLS.includes(protocol)) {
          throw new SoapRefusal("Sender", ["InvalidArgVal", "InvalidStreamSetup"], `no protocol ${protocol}`);
        }
        const uri = escapeXml(context.streamUrl(profileOf(body)));
        return answer("tr2", "GetStreamUriResponse", `<tr2:Uri>${uri}</tr2:Uri>`);
      },
      GetSnapshotUri: ({ body, addressOf }) => {
        const uri = addressOf("media", `${SERVICE_PATHS.snapshot}/${profileOf(body).token}.jpg`);
        return answer("tr2", "GetSnapshotUriResponse", `<tr2:Uri>${escapeXml(uri)}</tr2:Uri>`);
      },
    },
  };
}
