import { errorCode, HubError, InvalidInputError } from "#core/errors.ts";
import { NAMESPACES } from "./codec/namespaces.ts";
import {
  decodeCapabilities,
  decodePresets,
  decodeProfiles,
  decodePtzStatus,
  decodeServices,
  type PtzPreset,
  type PtzStatus,
  type ServiceAddresses,
} from "./codec/services.ts";
import { escapeXml, type XmlElement } from "./codec/xml.ts";
import type { SoapClient } from "./soap-client.ts";

/** A snapshot larger than this is refused. */
export const MAX_SNAPSHOT_BYTES = 8 * 1024 * 1024;

/** What a camera has, learnt once a connection. */
export interface CameraFacts {
  readonly serialNumber: string;
  /** Event service; undefined where the device has none. */
  readonly events: URL | undefined;
  /** Media service and the profile used; undefined where the device has no video. */
  readonly media: { readonly url: URL; readonly profile: string } | undefined;
  /** PTZ service and a profile that moves; undefined for a fixed camera. */
  readonly ptz: { readonly url: URL; readonly profile: string } | undefined;
}

/** The operations of one camera that the hub uses. Every method throws what SoapClient.call throws. */
export class CameraClient {
  readonly #soap: SoapClient;
  #snapshotUrl: URL | undefined;

  constructor(soap: SoapClient) {
    this.#soap = soap;
  }

  /** Learns clock, services, identity and profiles. @throws ONVIF_WRONG_DEVICE where another serial number is expected */
  async connect(expectedSerial: string | undefined, signal: AbortSignal): Promise<CameraFacts> {
    this.#snapshotUrl = undefined;
    await this.#soap.trySynchroniseClock(signal);
    const services = await this.#services(signal);
    const information = await this.#device("<tds:GetDeviceInformation/>", "GetDeviceInformationResponse", signal);
    const serialNumber = information.textAt("SerialNumber") ?? "";
    if (expectedSerial !== undefined && expectedSerial !== serialNumber) {
      throw new HubError(
        "ONVIF_WRONG_DEVICE",
        `device at ${this.#soap.url.host}: expected serial number ${expectedSerial}, got ${serialNumber}`,
        { retriable: true },
      );
    }
    const address = (namespace: string): URL | undefined => {
      const found = services.get(namespace);
      return found === undefined ? undefined : this.#soap.resolve(found);
    };
    const mediaUrl = address(NAMESPACES.trt);
    const ptzUrl = address(NAMESPACES.tptz);
    const profiles = mediaUrl === undefined ? [] : await this.#profiles(mediaUrl, signal);
    const media = profiles.find((profile) => profile.video) ?? profiles[0];
    const ptz = profiles.find((profile) => profile.ptz && profile.video) ?? profiles.find((profile) => profile.ptz);
    return {
      serialNumber,
      events: address(NAMESPACES.tev),
      media: mediaUrl === undefined || media === undefined ? undefined : { url: mediaUrl, profile: media.token },
      ptz: ptzUrl === undefined || ptz === undefined ? undefined : { url: ptzUrl, profile: ptz.token },
    };
  }

  /** Something that only an authorized user gets, to see whether the password still holds. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#device("<tds:GetDeviceInformation/>", "GetDeviceInformationResponse", signal);
  }

  /** [ONVIF PTZ 5.4.2] */
  async presets(ptz: NonNullable<CameraFacts["ptz"]>, signal: AbortSignal): Promise<readonly PtzPreset[]> {
    return decodePresets(await this.#ptz(ptz, "GetPresets", "", signal));
  }

  /** [ONVIF PTZ 5.2.3] */
  async status(ptz: NonNullable<CameraFacts["ptz"]>, signal: AbortSignal): Promise<PtzStatus> {
    return decodePtzStatus(await this.#ptz(ptz, "GetStatus", "", signal));
  }

  /** Starts the way to a preset; the device answers before it is there. [ONVIF PTZ 5.4.4] */
  async gotoPreset(ptz: NonNullable<CameraFacts["ptz"]>, token: string, signal: AbortSignal): Promise<void> {
    await this.#ptz(ptz, "GotoPreset", `<tptz:PresetToken>${escapeXml(token)}</tptz:PresetToken>`, signal);
  }

  /** The present picture, at most MAX_SNAPSHOT_BYTES. [ONVIF Media 5.3.4] @throws ONVIF_SNAPSHOT_FAILED */
  async snapshot(media: NonNullable<CameraFacts["media"]>, signal: AbortSignal): Promise<Uint8Array> {
    const known = this.#snapshotUrl;
    if (known !== undefined) {
      try {
        return await this.#jpeg(known, signal);
      } catch (error) {
        // The address may have changed with a restart or a new profile; a timeout would not end sooner a second time.
        if (errorCode(error) === "ONVIF_TIMEOUT" || signal.aborted) throw error;
      }
    }
    const response = await this.#soap.call({
      url: media.url,
      body: `<trt:GetSnapshotUri><trt:ProfileToken>${escapeXml(media.profile)}</trt:ProfileToken></trt:GetSnapshotUri>`,
      expects: "GetSnapshotUriResponse",
      signal,
    });
    const uri = response.textAt("MediaUri", "Uri");
    if (uri === undefined) throw new InvalidInputError("ONVIF_MALFORMED", "GetSnapshotUriResponse without Uri");
    const url = this.#soap.resolve(uri);
    const jpeg = await this.#jpeg(url, signal);
    this.#snapshotUrl = url;
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

  async #services(signal: AbortSignal): Promise<ServiceAddresses> {
    try {
      const body = "<tds:GetServices><tds:IncludeCapability>false</tds:IncludeCapability></tds:GetServices>";
      return decodeServices(await this.#device(body, "GetServicesResponse", signal));
    } catch (error) {
      if (errorCode(error) !== "ONVIF_FAULT") throw error;
      const body = "<tds:GetCapabilities><tds:Category>All</tds:Category></tds:GetCapabilities>";
      return decodeCapabilities(await this.#device(body, "GetCapabilitiesResponse", signal));
    }
  }

  async #profiles(url: URL, signal: AbortSignal): Promise<ReturnType<typeof decodeProfiles>> {
    try {
      const response = await this.#soap.call({
        url,
        body: "<trt:GetProfiles/>",
        expects: "GetProfilesResponse",
        signal,
      });
      return decodeProfiles(response);
    } catch (error) {
      // A device may have the service and no video (a door controller, an encoder without a source).
      if (errorCode(error) === "ONVIF_FAULT") return [];
      throw error;
    }
  }

  #device(body: string, expects: string, signal: AbortSignal): Promise<XmlElement> {
    return this.#soap.call({ url: this.#soap.url, body, expects, signal });
  }

  #ptz(
    ptz: NonNullable<CameraFacts["ptz"]>,
    operation: "GetPresets" | "GetStatus" | "GotoPreset",
    rest: string,
    signal: AbortSignal,
  ): Promise<XmlElement> {
    const profile = `<tptz:ProfileToken>${escapeXml(ptz.profile)}</tptz:ProfileToken>`;
    return this.#soap.call({
      url: ptz.url,
      body: `<tptz:${operation}>${profile}${rest}</tptz:${operation}>`,
      expects: `${operation}Response`,
      signal,
    });
  }
}
