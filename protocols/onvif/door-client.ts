import { errorCode } from "#core/errors.ts";
import {
  type AccessPointInfo,
  buildDoorOperation,
  type DoorInfo,
  type DoorStateTexts,
  decodeAccessPointInfoList,
  decodeDoorInfoList,
  decodeDoorState,
  type Page,
} from "./codec/doors.ts";
import { escapeXml, type XmlElement } from "./codec/xml.ts";
import type { SoapClient } from "./soap-client.ts";

const PER_PAGE = 50;
const MAX_PAGES = 100;
/** More doors than that are no controller. */
const MAX_ITEMS = 1000;

/** Door control and access control service of one device. Every method throws what SoapClient.call throws. */
export class DoorClient {
  readonly #soap: SoapClient;

  constructor(soap: SoapClient) {
    this.#soap = soap;
  }

  /** [ONVIF Door Control 5.2.3] */
  doors(url: URL, signal: AbortSignal): Promise<readonly DoorInfo[]> {
    return this.#list(url, "tdc", "GetDoorInfoList", decodeDoorInfoList, signal);
  }

  /** [ONVIF Access Control 5.3.3] */
  async accessPoints(url: URL, signal: AbortSignal): Promise<readonly AccessPointInfo[]> {
    try {
      return await this.#list(url, "tac", "GetAccessPointInfoList", decodeAccessPointInfoList, signal);
    } catch (error) {
      // Without it the events of access still name their access point.
      if (errorCode(error) === "ONVIF_FAULT") return [];
      throw error;
    }
  }

  /** [ONVIF Door Control 5.3.5] */
  async state(url: URL, door: string, signal: AbortSignal): Promise<DoorStateTexts> {
    const body = `<tdc:GetDoorState><tdc:Token>${escapeXml(door)}</tdc:Token></tdc:GetDoorState>`;
    return decodeDoorState(await this.#soap.call({ url, body, expects: "GetDoorStateResponse", signal }));
  }

  /** Asks a door for something, e.g. `LockDoor`. `accessTimeMs` with AccessDoor only. [ONVIF Door Control 5.4] */
  async operate(
    url: URL,
    operation: string,
    door: string,
    accessTimeMs: number | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const body = buildDoorOperation(operation, door, accessTimeMs);
    await this.#soap.call({ url, body, expects: `${operation}Response`, once: true, signal });
  }

  async #list<T>(
    url: URL,
    prefix: "tdc" | "tac",
    operation: string,
    decode: (response: XmlElement) => Page<T>,
    signal: AbortSignal,
  ): Promise<readonly T[]> {
    const items: T[] = [];
    let start: string | undefined;
    for (let count = 0; count < MAX_PAGES && items.length < MAX_ITEMS; count++) {
      const from =
        start === undefined ? "" : `<${prefix}:StartReference>${escapeXml(start)}</${prefix}:StartReference>`;
      const body = `<${prefix}:${operation}><${prefix}:Limit>${PER_PAGE}</${prefix}:Limit>${from}</${prefix}:${operation}>`;
      const page = decode(await this.#soap.call({ url, body, expects: `${operation}Response`, signal }));
      items.push(...page.items);
      // A device that names the same beginning again would never come to an end.
      if (page.next === undefined || page.next === start || page.items.length === 0) break;
      start = page.next;
    }
    return items.slice(0, MAX_ITEMS);
  }
}
