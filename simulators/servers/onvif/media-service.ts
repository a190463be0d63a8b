import { NAMESPACES } from "#protocols/onvif/codec/namespaces.ts";
import { escapeXml } from "#protocols/onvif/codec/xml.ts";
import type { SimulatedCamera } from "../../devices/camera.ts";
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
  VIDEO_SOURCE,
  VIDEO_SOURCE_CONFIGURATION,
  type VideoCodec,
} from "./service.ts";

/** What both media services have to know. */
export interface MediaContext {
  readonly camera: SimulatedCamera;
  /** RTSP address of a profile. */
  readonly streamUrl: (profile: CameraProfile) => string;
  /** Codec of a profile now. */
  readonly codecOf: (profile: CameraProfile) => VideoCodec;
}

const [{ width: SOURCE_WIDTH, height: SOURCE_HEIGHT }] = PROFILES;

/** The configuration of the only video source, as content of an element of either service. */
export function videoSourceXml(element: string): string {
  return (
    `<${element} token="${VIDEO_SOURCE_CONFIGURATION}"><tt:Name>video source</tt:Name>` +
    `<tt:UseCount>${PROFILES.length}</tt:UseCount><tt:SourceToken>${VIDEO_SOURCE}</tt:SourceToken>` +
    `<tt:Bounds x="0" y="0" width="${SOURCE_WIDTH}" height="${SOURCE_HEIGHT}"/></${element}>`
  );
}

function encoderXml(profile: CameraProfile, element: string): string {
  return (
    `<${element} token="${profile.encoder}"><tt:Name>${profile.name}</tt:Name><tt:UseCount>1</tt:UseCount>` +
    `<tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>${profile.width}</tt:Width>` +
    `<tt:Height>${profile.height}</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality>` +
    `<tt:RateControl><tt:FrameRateLimit>${Math.ceil(FRAMES_PER_SECOND)}</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval>` +
    `<tt:BitrateLimit>${profile.bitrateKbps}</tt:BitrateLimit></tt:RateControl>` +
    "<tt:H264><tt:GovLength>25</tt:GovLength><tt:H264Profile>Baseline</tt:H264Profile></tt:H264>" +
    "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>" +
    "<tt:Port>0</tt:Port><tt:TTL>0</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>" +
    `<tt:SessionTimeout>PT60S</tt:SessionTimeout></${element}>`
  );
}

function profileXml(camera: SimulatedCamera, profile: CameraProfile, element: string): string {
  return (
    `<${element} token="${profile.token}" fixed="true"><tt:Name>${profile.name}</tt:Name>` +
    videoSourceXml("tt:VideoSourceConfiguration") +
    encoderXml(profile, "tt:VideoEncoderConfiguration") +
    `${camera.ptz ? ptzConfigurationXml("tt:PTZConfiguration") : ""}</${element}>`
  );
}

function encoderOptionsXml(): string {
  const range = (name: string, min: number, max: number): string =>
    `<tt:${name}><tt:Min>${min}</tt:Min><tt:Max>${max}</tt:Max></tt:${name}>`;
  const sizes = PROFILES.map(
    ({ width, height }) =>
      `<tt:ResolutionsAvailable><tt:Width>${width}</tt:Width><tt:Height>${height}</tt:Height></tt:ResolutionsAvailable>`,
  );
  return (
    `<trt:Options>${range("QualityRange", 1, 5)}<tt:H264>${sizes.join("")}${range("GovLengthRange", 1, 60)}` +
    `${range("FrameRateRange", 1, Math.ceil(FRAMES_PER_SECOND))}${range("EncodingIntervalRange", 1, 1)}` +
    "<tt:H264ProfilesSupported>Baseline</tt:H264ProfilesSupported></tt:H264></trt:Options>"
  );
}

function mediaUri(uri: string): string {
  return (
    `<trt:MediaUri><tt:Uri>${escapeXml(uri)}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>` +
    "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>"
  );
}

/** Media service. [ONVIF Media 5] It knows no H.265: such a profile is seen by Media2 alone. */
export function mediaService({ camera, streamUrl, codecOf }: MediaContext): Service {
  const seen = (): readonly CameraProfile[] => PROFILES.filter((profile) => codecOf(profile) === "H264");
  const seenProfile = (body: Parameters<typeof profileOf>[0]): CameraProfile => {
    const profile = profileOf(body);
    if (!seen().includes(profile))
      throw new SoapRefusal("Sender", ["InvalidArgVal", "NoProfile"], "not in this service");
    return profile;
  };
  return {
    name: "Media",
    namespace: NAMESPACES.trt,
    path: SERVICE_PATHS.media,
    version: [2, 60],
    capabilities:
      '<trt:Capabilities SnapshotUri="true" Rotation="false"><trt:ProfileCapabilities MaximumNumberOfProfiles="2"/>' +
      '<trt:StreamingCapabilities RTPMulticast="false" RTP_TCP="true" RTP_RTSP_TCP="true"/></trt:Capabilities>',
    operations: {
      GetProfiles: () => {
        const profiles = seen().map((profile) => profileXml(camera, profile, "trt:Profiles"));
        return answer("trt", "GetProfilesResponse", profiles.join(""));
      },
      GetProfile: ({ body }) =>
        answer("trt", "GetProfileResponse", profileXml(camera, seenProfile(body), "trt:Profile")),
      GetVideoSources: () =>
        answer(
          "trt",
          "GetVideoSourcesResponse",
          `<trt:VideoSources token="${VIDEO_SOURCE}"><tt:Framerate>${FRAMES_PER_SECOND}</tt:Framerate><tt:Resolution>` +
            `<tt:Width>${SOURCE_WIDTH}</tt:Width><tt:Height>${SOURCE_HEIGHT}</tt:Height></tt:Resolution></trt:VideoSources>`,
        ),
      GetVideoSourceConfigurations: () =>
        answer("trt", "GetVideoSourceConfigurationsResponse", videoSourceXml("trt:Configurations")),
      GetVideoEncoderConfigurations: () => {
        const configurations = seen().map((profile) => encoderXml(profile, "trt:Configurations"));
        return answer("trt", "GetVideoEncoderConfigurationsResponse", configurations.join(""));
      },
      GetVideoEncoderConfigurationOptions: () =>
        answer("trt", "GetVideoEncoderConfigurationOptionsResponse", encoderOptionsXml()),
      GetStreamUri: ({ body }) => answer("trt", "GetStreamUriResponse", mediaUri(streamUrl(seenProfile(body)))),
      GetSnapshotUri: ({ body, addressOf }) => {
        const uri = addressOf("media", `${SERVICE_PATHS.snapshot}/${profileOf(body).token}.jpg`);
        return answer("trt", "GetSnapshotUriResponse", mediaUri(uri));
      },
    },
  };
}
