import { createHash, randomUUID } from "node:crypto";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { parseEnvelope } from "#protocols/onvif/codec/envelope.ts";
import { NAMESPACES } from "#protocols/onvif/codec/namespaces.ts";
import { escapeXml, type XmlElement } from "#protocols/onvif/codec/xml.ts";
import type { DeviceFacts } from "./device-service.ts";

const DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery";
const ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
const NETWORK = "http://www.onvif.org/ver10/network/wsdl";
const EVERYBODY = "urn:schemas-xmlsoap-org:ws:2005:04:discovery";
const ANONYMOUS = `${ADDRESSING}/role/anonymous`;
const GROUP = "239.255.255.250";
const GROUP_PORT = 3702;
const MAX_PROBE_BYTES = 8192;

/** How a device lets itself be found. */
export interface DiscoveryOptions {
  /** UDP port for probes sent to this device alone; 0, the default, takes a free one. */
  readonly port?: number;
  /** Joins the group of WS-Discovery (239.255.255.250:3702) too and tells Hello and Bye there; false when absent. */
  readonly multicast?: boolean;
}

/** A stable endpoint reference, made from what is unique of a device. [ONVIF Core 7.3.1] */
export function endpointOf(serialNumber: string): string {
  const hash = createHash("sha256").update(serialNumber, "utf8").digest("hex");
  const version = `5${hash.slice(13, 16)}`;
  const variant = `${((Number.parseInt(hash.slice(16, 17), 16) & 3) | 8).toString(16)}${hash.slice(17, 20)}`;
  return `urn:uuid:${hash.slice(0, 8)}-${hash.slice(8, 12)}-${version}-${variant}-${hash.slice(20, 32)}`;
}

/** Answers Probe and Resolve for one device. [WS-Discovery 2005/04, ONVIF Core 7.3] */
export class DiscoveryResponder {
  readonly #facts: DeviceFacts;
  readonly #options: DiscoveryOptions;
  readonly #addressOfDevice: () => string;
  readonly #logger: Logger;
  #instance: number;
  readonly #sockets: Socket[] = [];
  #messages = 0;
  #port = 0;
  #silent = false;

  constructor(
    facts: DeviceFacts,
    options: DiscoveryOptions,
    device: { readonly address: () => string; readonly startedAt: number },
    logger: Logger,
  ) {
    this.#facts = facts;
    this.#options = options;
    this.#addressOfDevice = device.address;
    this.#instance = Math.floor(device.startedAt / 1000);
    this.#logger = logger;
  }

  /** UDP port of probes to this device alone. */
  get port(): number {
    return this.#port;
  }

  async open(host: string): Promise<void> {
    const own = await this.#bind(host, this.#port || (this.#options.port ?? 0));
    this.#port = own.address().port;
    if (this.#options.multicast !== true) return;
    // Bound to the group's own address it hears the group and nothing else.
    const group = await this.#bind(GROUP, GROUP_PORT);
    group.addMembership(GROUP);
    this.#send(own, this.#announcement("Hello"), GROUP_PORT, GROUP);
  }

  silence(silent: boolean): void {
    this.#silent = silent;
  }

  /** The device has started anew at that time, Unix ms: what it counts begins at 1, and it says hello. [WS-Discovery 7] */
  restarted(startedAt: number): void {
    this.#instance = Math.floor(startedAt / 1000);
    this.#messages = 0;
    const [own] = this.#sockets;
    if (own !== undefined && this.#options.multicast === true) {
      this.#send(own, this.#announcement("Hello"), GROUP_PORT, GROUP);
    }
  }

  async close(): Promise<void> {
    const [own] = this.#sockets;
    if (own !== undefined && this.#options.multicast === true && !this.#silent) {
      const bye = this.#announcement("Bye");
      await new Promise<void>((resolve) => own.send(bye, GROUP_PORT, GROUP, () => resolve()));
    }
    const closing = this.#sockets.splice(0);
    await Promise.all(closing.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }

  async #bind(host: string, port: number): Promise<Socket> {
    const socket = createSocket({ type: "udp4", reuseAddr: host === GROUP });
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(port, host, () => {
        socket.off("error", reject);
        resolve();
      });
    });
    socket.unref();
    socket.on("error", (error) => this.#logger.warn({ error: error.message }, "discovery socket error"));
    socket.on("message", (bytes, from) => this.#heard(bytes, from));
    this.#sockets.push(socket);
    return socket;
  }

  #heard(bytes: Buffer, from: RemoteInfo): void {
    if (this.#silent || bytes.length > MAX_PROBE_BYTES) return;
    try {
      const message = parseEnvelope(bytes.toString("utf8"));
      if (message.kind === "fault" || message.body.namespace !== DISCOVERY) return;
      const id = message.headers.find((block) => block.name === "MessageID")?.text ?? "";
      const answer = this.#answer(message.body, id);
      const [own] = this.#sockets;
      if (answer !== undefined && own !== undefined) this.#send(own, answer, from.port, from.address);
    } catch (error) {
      // [ONVIF Core 7.3.6] what is in error is silently discarded
      this.#logger.debug({ error: errorMessage(error) }, "discovery message discarded");
    }
  }

  #answer(body: XmlElement, relatesTo: string): string | undefined {
    if (body.name === "Probe") {
      if (
        !matchesTypes(body.child("Types"), this.#facts.types) ||
        !matchesScopes(body.child("Scopes"), this.#facts.scopes)
      )
        return undefined;
      return this.#message("ProbeMatches", `<d:ProbeMatch>${this.#self()}</d:ProbeMatch>`, ANONYMOUS, relatesTo);
    }
    if (body.name !== "Resolve" || body.textAt("EndpointReference", "Address") !== this.#facts.endpoint)
      return undefined;
    return this.#message("ResolveMatches", `<d:ResolveMatch>${this.#self()}</d:ResolveMatch>`, ANONYMOUS, relatesTo);
  }

  #announcement(name: "Hello" | "Bye"): string {
    const reference = `<a:EndpointReference><a:Address>${this.#facts.endpoint}</a:Address></a:EndpointReference>`;
    return this.#message(name, name === "Hello" ? this.#self() : reference, EVERYBODY);
  }

  #self(): string {
    const { endpoint, types, scopes } = this.#facts;
    return (
      `<a:EndpointReference><a:Address>${endpoint}</a:Address></a:EndpointReference><d:Types>${types}</d:Types>` +
      `<d:Scopes>${escapeXml(scopes.join(" "))}</d:Scopes><d:XAddrs>${escapeXml(this.#addressOfDevice())}</d:XAddrs>` +
      "<d:MetadataVersion>1</d:MetadataVersion>"
    );
  }

  #message(name: string, content: string, to: string, relatesTo?: string): string {
    this.#messages++;
    const relation = relatesTo === undefined ? "" : `<a:RelatesTo>${escapeXml(relatesTo)}</a:RelatesTo>`;
    return (
      `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="${NAMESPACES.s}" xmlns:a="${ADDRESSING}" xmlns:d="${DISCOVERY}" ` +
      `xmlns:dn="${NETWORK}" xmlns:tds="${NAMESPACES.tds}"><s:Header><a:MessageID>urn:uuid:${randomUUID()}</a:MessageID>${relation}` +
      `<a:To>${to}</a:To><a:Action>${DISCOVERY}/${name}</a:Action>` +
      `<d:AppSequence InstanceId="${this.#instance}" MessageNumber="${this.#messages}"/></s:Header>` +
      `<s:Body><d:${name}>${content}</d:${name}></s:Body></s:Envelope>`
    );
  }

  #send(socket: Socket, message: string, port: number, address: string): void {
    socket.send(message, port, address, (error) => {
      if (error !== null) this.#logger.debug({ error: error.message }, "discovery answer not sent");
    });
  }
}

/** Namespaces of the prefixes that DeviceFacts.types uses. */
const TYPE_NAMESPACES: Readonly<Record<string, string>> = { dn: NETWORK, tds: NAMESPACES.tds };

/** Every type asked for must be one of the device's. [WS-Discovery 5.1] */
function matchesTypes(asked: XmlElement | undefined, types: string): boolean {
  const own = types.split(" ").map((type) => expand(type, (prefix) => TYPE_NAMESPACES[prefix]));
  const wanted = (asked?.text ?? "").split(/\s+/).filter((type) => type !== "");
  return wanted.every((type) => own.includes(expand(type, (prefix) => asked?.scope.get(prefix))));
}

function expand(type: string, namespaceOf: (prefix: string) => string | undefined): string {
  const colon = type.indexOf(":");
  return `${namespaceOf(type.slice(0, Math.max(0, colon))) ?? ""} ${type.slice(colon + 1)}`;
}

/** Every scope asked for must lead to one of the device's, whole segments of the path only. [WS-Discovery 5.1, ONVIF Core 7.3.2.2] */
function matchesScopes(asked: XmlElement | undefined, scopes: readonly string[]): boolean {
  const rule = asked?.attributes.get("MatchBy") ?? `${DISCOVERY}/rfc3986`;
  const wanted = (asked?.text ?? "").split(/\s+/).filter((scope) => scope !== "");
  if (wanted.length === 0) return true;
  if (rule !== `${DISCOVERY}/rfc3986` && rule !== `${DISCOVERY}/rfc2396`) return false;
  return wanted.every((scope) => {
    const root = scope.replace(/\/$/, "");
    return scopes.some((own) => own === root || own.startsWith(`${root}/`));
  });
}
