import { InvalidInputError } from "#core/errors.ts";
import { NAMESPACES } from "./namespaces.ts";
import { escapeXml, parseXml, type XmlElement } from "./xml.ts";

/** WS-Discovery of April 2005 with the addressing of August 2004, as ONVIF uses them. [ONVIF Core 7.3] */
export const DISCOVERY_NAMESPACES = {
  d: "http://schemas.xmlsoap.org/ws/2005/04/discovery",
  a: "http://schemas.xmlsoap.org/ws/2004/08/addressing",
  dn: "http://www.onvif.org/ver10/network/wsdl",
} as const;

/** UDP port and multicast group of WS-Discovery. [WS-Discovery 2.4] */
export const DISCOVERY_PORT = 3702;
export const DISCOVERY_GROUP = "239.255.255.250";

/** Kinds of devices that are asked for, each in a probe of its own. [ONVIF Core 7.3.1] */
export const DISCOVERY_TYPES = ["tds:Device", "dn:NetworkVideoTransmitter"] as const;

/** One device in a ProbeMatches. */
export interface ProbeMatch {
  /** Address of its endpoint reference: a URN that outlives its network address. */
  readonly endpoint: string;
  readonly types: readonly string[];
  readonly scopes: readonly string[];
  /** Addresses of its device service, in the device's order of preference. */
  readonly addresses: readonly string[];
}

/** What a ProbeMatches says, and which probe it answers. */
export interface ProbeMatches {
  readonly relatesTo: string;
  readonly matches: readonly ProbeMatch[];
}

const MAX_MATCHES = 32;
const MAX_WORDS = 128;
const MAX_WORD = 512;

/** A Probe for devices of a kind. `messageId` is a URN. [WS-Discovery 5.1] */
export function buildProbe(messageId: string, types: (typeof DISCOVERY_TYPES)[number]): string {
  const { d, a, dn } = DISCOVERY_NAMESPACES;
  return (
    `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="${NAMESPACES.s}" xmlns:a="${a}" xmlns:d="${d}" ` +
    `xmlns:dn="${dn}" xmlns:tds="${NAMESPACES.tds}"><s:Header>` +
    `<a:Action s:mustUnderstand="1">${d}/Probe</a:Action><a:MessageID>${escapeXml(messageId)}</a:MessageID>` +
    `<a:ReplyTo><a:Address>${a}/role/anonymous</a:Address></a:ReplyTo>` +
    '<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>' +
    `<s:Body><d:Probe><d:Types>${types}</d:Types></d:Probe></s:Body></s:Envelope>`
  );
}

function words(text: string | undefined): readonly string[] {
  return (text ?? "")
    .split(/\s+/)
    .filter((word) => word !== "" && word.length <= MAX_WORD)
    .slice(0, MAX_WORDS);
}

function decodeMatch(element: XmlElement): ProbeMatch | undefined {
  const { d, a } = DISCOVERY_NAMESPACES;
  const endpoint = element.child("EndpointReference", a)?.child("Address", a)?.text ?? "";
  if (endpoint === "" || endpoint.length > MAX_WORD || /\s/.test(endpoint)) return undefined;
  const list = (name: string): readonly string[] => words(element.child(name, d)?.text);
  return { endpoint, types: list("Types"), scopes: list("Scopes"), addresses: list("XAddrs") };
}

/**
 * Reads an answer to a probe. [WS-Discovery 5.3]
 * @throws ONVIF_MALFORMED where it is no ProbeMatches, by namespaces and action
 */
export function parseProbeMatches(xml: string): ProbeMatches {
  const { d, a } = DISCOVERY_NAMESPACES;
  const root = parseXml(xml);
  const header = root.child("Header", NAMESPACES.s);
  const matches = root.child("Body", NAMESPACES.s)?.child("ProbeMatches", d);
  const action = header?.child("Action", a)?.text;
  if (
    root.name !== "Envelope" ||
    root.namespace !== NAMESPACES.s ||
    matches === undefined ||
    action !== `${d}/ProbeMatches`
  )
    throw new InvalidInputError(
      "ONVIF_MALFORMED",
      `expected ProbeMatches, got ${root.name} with action ${action ?? "none"}`,
    );
  return {
    relatesTo: header?.child("RelatesTo", a)?.text ?? "",
    matches: matches
      .all("ProbeMatch")
      .slice(0, MAX_MATCHES)
      .flatMap((element) => decodeMatch(element) ?? []),
  };
}

/** Last part of the first scope of a category (`name`, `hardware`, `location` ...), decoded. [ONVIF Core 7.3.3] */
export function scopeValue(scopes: readonly string[], category: string): string | undefined {
  const start = `onvif://www.onvif.org/${category}/`;
  const scope = scopes.find((candidate) => candidate.toLowerCase().startsWith(start));
  if (scope === undefined) return undefined;
  const written = scope.slice(start.length);
  try {
    return decodeURIComponent(written);
  } catch {
    // Not encoded as it should be; what is written is still the best name there is.
    return written;
  }
}
