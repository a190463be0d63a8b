import { errorCode, HubError } from "#core/errors.ts";
import { NAMESPACES } from "./codec/namespaces.ts";
import { decodeCapabilities, decodeServices, type ServiceAddresses } from "./codec/services.ts";
import type { XmlElement } from "./codec/xml.ts";
import type { SoapClient } from "./soap-client.ts";

/** Addresses of the services that the hub uses; undefined where the device has none. */
export interface DeviceServices {
  readonly events: URL | undefined;
  readonly media: URL | undefined;
  readonly media2: URL | undefined;
  readonly ptz: URL | undefined;
  readonly imaging: URL | undefined;
  readonly deviceIo: URL | undefined;
  readonly accessControl: URL | undefined;
  readonly doorControl: URL | undefined;
}

/** What a device says of itself, learnt once a connection. */
export interface DeviceFacts {
  readonly serialNumber: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly services: DeviceServices;
}

/** Services that this hub uses, by their name in DeviceServices. */
const USED: Readonly<Record<keyof DeviceServices, string>> = {
  events: NAMESPACES.tev,
  media: NAMESPACES.trt,
  media2: NAMESPACES.tr2,
  ptz: NAMESPACES.tptz,
  imaging: NAMESPACES.timg,
  deviceIo: NAMESPACES.tmd,
  accessControl: NAMESPACES.tac,
  doorControl: NAMESPACES.tdc,
};

/** The device service of one device. Every method throws what SoapClient.call throws. */
export class DeviceClient {
  readonly #soap: SoapClient;

  constructor(soap: SoapClient) {
    this.#soap = soap;
  }

  /** Learns clock, services and identity. @throws ONVIF_WRONG_DEVICE where another serial number is expected */
  async connect(expectedSerial: string | undefined, signal: AbortSignal): Promise<DeviceFacts> {
    await this.#soap.trySynchroniseClock(signal);
    const addresses = await this.#services(signal);
    const information = await this.#device("<tds:GetDeviceInformation/>", "GetDeviceInformationResponse", signal);
    const serialNumber = information.textAt("SerialNumber") ?? "";
    if (expectedSerial !== undefined && expectedSerial !== serialNumber) {
      throw new HubError(
        "ONVIF_WRONG_DEVICE",
        `device at ${this.#soap.url.host}: expected serial number ${expectedSerial}, got ${serialNumber}`,
        { retriable: true },
      );
    }
    const at = (service: keyof DeviceServices): URL | undefined => {
      const found = addresses.get(USED[service]);
      return found === undefined ? undefined : this.#soap.resolve(found);
    };
    return {
      serialNumber,
      manufacturer: information.textAt("Manufacturer") ?? "",
      model: information.textAt("Model") ?? "",
      services: {
        events: at("events"),
        media: at("media"),
        media2: at("media2"),
        ptz: at("ptz"),
        imaging: at("imaging"),
        deviceIo: at("deviceIo"),
        accessControl: at("accessControl"),
        doorControl: at("doorControl"),
      },
    };
  }

  /** Something that only an authorized user gets, to see whether the password still holds. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#device("<tds:GetDeviceInformation/>", "GetDeviceInformationResponse", signal);
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

  #device(body: string, expects: string, signal: AbortSignal): Promise<XmlElement> {
    return this.#soap.call({ url: this.#soap.url, body, expects, signal });
  }
}
