import { errorCode } from "#core/errors.ts";
import { decodeDigitalInputs, decodeRelayOutputs, type RelayOutput } from "./codec/device-io.ts";
import { buildImagingSettings, decodeImagingSettings, type ImagingSettings } from "./codec/imaging.ts";
import { escapeXml, type XmlElement } from "./codec/xml.ts";
import type { DeviceServices } from "./device-client.ts";
import type { SoapClient } from "./soap-client.ts";

/** Relays, inputs and picture settings of one device. Every method throws what SoapClient.call throws. */
export class IoClient {
  readonly #soap: SoapClient;

  constructor(soap: SoapClient) {
    this.#soap = soap;
  }

  /** [ONVIF Device IO 5.5.1, Core 8.6.1] Empty where the device has none. */
  async relays(services: DeviceServices, signal: AbortSignal): Promise<readonly RelayOutput[]> {
    // [deviceio.wsdl] these requests are the device service's own elements in either service
    const ask = (url: URL): Promise<XmlElement> =>
      this.#soap.call({ url, body: "<tds:GetRelayOutputs/>", expects: "GetRelayOutputsResponse", signal });
    return await this.#ioOrDevice(services, ask).then(decodeRelayOutputs, none);
  }

  /** Tokens. [ONVIF Device IO 5.7.1] Empty where the device has none. */
  async digitalInputs(services: DeviceServices, signal: AbortSignal): Promise<readonly string[]> {
    if (services.deviceIo === undefined) return [];
    const body = "<tmd:GetDigitalInputs/>";
    return await this.#soap
      .call({ url: services.deviceIo, body, expects: "GetDigitalInputsResponse", signal })
      .then(decodeDigitalInputs, none);
  }

  /** [ONVIF Device IO 5.5.4, Core 8.6.3] */
  async setRelay(services: DeviceServices, token: string, active: boolean, signal: AbortSignal): Promise<void> {
    const body =
      `<tds:SetRelayOutputState><tds:RelayOutputToken>${escapeXml(token)}</tds:RelayOutputToken>` +
      `<tds:LogicalState>${active ? "active" : "inactive"}</tds:LogicalState></tds:SetRelayOutputState>`;
    const ask = (url: URL): Promise<XmlElement> =>
      this.#soap.call({ url, body, expects: "SetRelayOutputStateResponse", once: true, signal });
    await this.#ioOrDevice(services, ask);
  }

  /** [ONVIF Imaging 5.2.1] */
  async imaging(url: URL, source: string, signal: AbortSignal): Promise<ImagingSettings> {
    const body = `<timg:GetImagingSettings>${videoSource(source)}</timg:GetImagingSettings>`;
    return decodeImagingSettings(await this.#soap.call({ url, body, expects: "GetImagingSettingsResponse", signal }));
  }

  /** Changes what is given and nothing else. [ONVIF Imaging 5.2.2] */
  async setImaging(url: URL, source: string, change: ImagingSettings, signal: AbortSignal): Promise<void> {
    const settings = `<timg:ImagingSettings>${buildImagingSettings(change)}</timg:ImagingSettings>`;
    const body =
      `<timg:SetImagingSettings>${videoSource(source)}${settings}` +
      "<timg:ForcePersistence>true</timg:ForcePersistence></timg:SetImagingSettings>";
    await this.#soap.call({ url, body, expects: "SetImagingSettingsResponse", signal });
  }

  /** Relays are at the device IO service, or at the device service of devices that have none. */
  async #ioOrDevice(services: DeviceServices, ask: (url: URL) => Promise<XmlElement>): Promise<XmlElement> {
    if (services.deviceIo !== undefined) {
      try {
        return await ask(services.deviceIo);
      } catch (error) {
        if (errorCode(error) !== "ONVIF_FAULT") throw error;
      }
    }
    return await ask(this.#soap.url);
  }
}

function videoSource(token: string): string {
  return `<timg:VideoSourceToken>${escapeXml(token)}</timg:VideoSourceToken>`;
}

/** A device that refuses to list something has none of it. */
function none(error: unknown): readonly never[] {
  if (errorCode(error) === "ONVIF_FAULT") return [];
  throw error;
}
