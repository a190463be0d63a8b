import { errorCode, HubError, InvalidInputError } from "#core/errors.ts";
import { decodeMediaUri, decodeProfiles, type MediaProfile } from "./codec/services.ts";
import { escapeXml, type XmlElement } from "./codec/xml.ts";
import type { DeviceServices } from "./device-client.ts";
import type { SoapClient } from "./soap-client.ts";

/** A snapshot larger than this is refused. */
export const MAX_SNAPSHOT_BYTES = 8 * 1024 * 1024;

/** The media service in use and what it offers. */
export interface Media {
  readonly url: URL;
  /** 2 for the media2 service, which knows H.265. */
  readonly version: 1 | 2;
  readonly profiles: readonly MediaProfile[];
}

/** How media2 names RTP inside the RTSP connection; the second is for devices that offer UDP only. [ONVIF Media2 5.6.1] */
const MEDIA2_PROTOCOLS = ["RTSP", "RtspUnicast"] as const;

/** Without types media2 tells no configurations at all. [ONVIF Media2 5.2.2] */
const MEDIA2_PROFILES = `<tr2:GetProfiles>${["VideoSource", "VideoEncoder", "PTZ"]
  .map((type) => `<tr2:Type>${type}</tr2:Type>`)
  .join("")}</tr2:GetProfiles>`;

/** Media and media2 service of one device. Every method throws what SoapClient.call throws. */
export class MediaClient {
  readonly #soap: SoapClient;
  #snapshotUrl: { readonly profile: string; readonly url: URL } | undefined;

  constructor(soap: SoapClient) {
    this.#soap = soap;
  }

  /** Profiles by media2 where the device has it and it works, else by media; undefined where there is no video. */
  async connect(services: DeviceServices, signal: AbortSignal): Promise<Media | undefined> {
    this.#snapshotUrl = undefined;
    const offered = [
      { url: services.media2, version: 2, body: MEDIA2_PROFILES },
      { url: services.media, version: 1, body: "<trt:GetProfiles/>" },
    ] as const;
    for (const { url, version, body } of offered) {
      if (url === undefined) continue;
      const profiles = await this.#profiles(url, body, signal);
      if (profiles.length > 0) return { url, version, profiles };
    }
    return undefined;
  }

  /** Address of a profile's RTSP stream on the device itself. @throws ONVIF_FOREIGN_ADDRESS as well */
  async streamUri(media: Media, profile: string, signal: AbortSignal): Promise<URL> {
    const address = decodeMediaUri(await this.#streamUri(media, profile, signal));
    if (address === undefined) throw new InvalidInputError("ONVIF_MALFORMED", "GetStreamUriResponse without Uri");
    return this.#soap.resolveStream(address);
  }

  /** The present picture, at most MAX_SNAPSHOT_BYTES. [ONVIF Media 5.3.4] @throws ONVIF_SNAPSHOT_FAILED, ONVIF_FOREIGN_ADDRESS as well */
  async snapshot(media: Media, profile: string, signal: AbortSignal): Promise<Uint8Array> {
    const known = this.#snapshotUrl;
    if (known?.profile === profile) {
      try {
        return await this.#jpeg(known.url, signal);
      } catch (error) {
        // The address may have changed with a restart or a new profile; a timeout would not end sooner a second time.
        if (errorCode(error) === "ONVIF_TIMEOUT" || signal.aborted) throw error;
      }
    }
    const prefix = media.version === 2 ? "tr2" : "trt";
    const response = await this.#soap.call({
      url: media.url,
      body: `<${prefix}:GetSnapshotUri>${profileToken(prefix, profile)}</${prefix}:GetSnapshotUri>`,
      expects: "GetSnapshotUriResponse",
      signal,
    });
    const uri = decodeMediaUri(response);
    if (uri === undefined) throw new InvalidInputError("ONVIF_MALFORMED", "GetSnapshotUriResponse without Uri");
    const url = this.#soap.resolveOwn(uri);
    const jpeg = await this.#jpeg(url, signal);
    this.#snapshotUrl = { profile, url };
    return jpeg;
  }

  async #jpeg(url: URL, signal: AbortSignal): Promise<Uint8Array> {
    const answer = await this.#soap.fetch(url, MAX_SNAPSHOT_BYTES, signal);
    const isJpeg = answer.body[0] === 0xff && answer.body[1] === 0xd8 && answer.body[2] === 0xff;
    if (answer.status !== 200 || !isJpeg) {
      throw new HubError(
        "ONVIF_SNAPSHOT_FAILED",
        `snapshot of ${url.host}: expected a JPEG, got status ${answer.status}, ${answer.contentType || "no type"}, ${answer.body.length} bytes`,
        { retriable: true },
      );
    }
    return new Uint8Array(answer.body);
  }

  async #profiles(url: URL, body: string, signal: AbortSignal): Promise<readonly MediaProfile[]> {
    try {
      return decodeProfiles(await this.#soap.call({ url, body, expects: "GetProfilesResponse", signal }));
    } catch (error) {
      // A device may have the service and no video (a door controller), or name media2 and answer with a page for people.
      const code = errorCode(error);
      if (code === "ONVIF_FAULT" || (code === "ONVIF_MALFORMED" && body.startsWith("<tr2:"))) return [];
      throw error;
    }
  }

  async #streamUri(media: Media, profile: string, signal: AbortSignal): Promise<XmlElement> {
    const expects = "GetStreamUriResponse";
    if (media.version === 1) {
      const setup =
        "<trt:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream>" +
        "<tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport></trt:StreamSetup>";
      const body = `<trt:GetStreamUri>${setup}${profileToken("trt", profile)}</trt:GetStreamUri>`;
      return await this.#soap.call({ url: media.url, body, expects, signal });
    }
    let refusal: unknown;
    for (const protocol of MEDIA2_PROTOCOLS) {
      const body =
        `<tr2:GetStreamUri><tr2:Protocol>${protocol}</tr2:Protocol>` +
        `${profileToken("tr2", profile)}</tr2:GetStreamUri>`;
      try {
        return await this.#soap.call({ url: media.url, body, expects, signal });
      } catch (error) {
        if (errorCode(error) !== "ONVIF_FAULT") throw error;
        refusal = error;
      }
    }
    throw refusal;
  }
}

function profileToken(prefix: string, profile: string): string {
  return `<${prefix}:ProfileToken>${escapeXml(profile)}</${prefix}:ProfileToken>`;
}
