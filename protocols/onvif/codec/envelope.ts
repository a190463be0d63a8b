import { InvalidInputError } from "#core/errors.ts";
import { NAMESPACE_DECLARATIONS, NAMESPACES } from "./namespaces.ts";
import { escapeXml, parseXml, type XmlElement } from "./xml.ts";

/** A refusal by the other side. [SOAP 1.2 part 1 §5.4] */
export interface SoapFault {
  /** `Sender`, `Receiver` ... of the SOAP namespace, without prefix. */
  readonly code: string;
  /** Subcodes from general to special, without prefix, e.g. `NotAuthorized`, `InvalidArgVal`, `NoProfile`. */
  readonly subcodes: readonly string[];
  readonly reason: string;
}

/** What a message carries: the header's blocks and the one element of its body, or a fault. */
export type SoapMessage =
  | { readonly kind: "body"; readonly headers: readonly XmlElement[]; readonly body: XmlElement }
  | { readonly kind: "fault"; readonly fault: SoapFault };

/** Writes an envelope; `header` and `body` are ready-made XML that may use every prefix of NAMESPACES. */
export function buildEnvelope(body: string, header = ""): string {
  const head = header === "" ? "" : `<s:Header>${header}</s:Header>`;
  return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope${NAMESPACE_DECLARATIONS}>${head}<s:Body>${body}</s:Body></s:Envelope>`;
}

/** Addressing block of a request to an event endpoint. [ONVIF Core 9] obliges both sides to WS-Addressing. */
export function addressingHeader(action: string, to: string, messageId: string): string {
  return (
    `<wsa:Action s:mustUnderstand="1">${escapeXml(action)}</wsa:Action>` +
    `<wsa:MessageID>urn:uuid:${escapeXml(messageId)}</wsa:MessageID>` +
    "<wsa:ReplyTo><wsa:Address>http://www.w3.org/2005/08/addressing/anonymous</wsa:Address></wsa:ReplyTo>" +
    `<wsa:To s:mustUnderstand="1">${escapeXml(to)}</wsa:To>`
  );
}

/** Writes a fault with ONVIF subcodes, e.g. ["NotAuthorized"]. [ONVIF Core 5.8] */
export function buildFault(code: "Sender" | "Receiver", subcodes: readonly string[], reason: string): string {
  const nested = subcodes.reduceRight(
    (inner, subcode) => `<s:Subcode><s:Value>ter:${escapeXml(subcode)}</s:Value>${inner}</s:Subcode>`,
    "",
  );
  return buildEnvelope(
    `<s:Fault><s:Code><s:Value>s:${code}</s:Value>${nested}</s:Code>` +
      `<s:Reason><s:Text xml:lang="en">${escapeXml(reason)}</s:Text></s:Reason></s:Fault>`,
  );
}

const withoutPrefix = (qualified: string): string => qualified.slice(qualified.indexOf(":") + 1).trim();

function decodeFault(element: XmlElement): SoapFault {
  const subcodes: string[] = [];
  for (let at = element.at("Code", "Subcode"); at !== undefined; at = at.child("Subcode")) {
    subcodes.push(withoutPrefix(at.textAt("Value") ?? ""));
  }
  // SOAP 1.1 names, which some firmware still sends: faultcode and faultstring.
  const code = element.textAt("Code", "Value") ?? element.textAt("faultcode") ?? "";
  const reason = element.textAt("Reason", "Text") ?? element.textAt("faultstring") ?? "";
  return { code: withoutPrefix(code), subcodes, reason: reason.slice(0, 500) };
}

/** Reads a message. @throws ONVIF_MALFORMED where it is no envelope with exactly one element in its body */
export function parseEnvelope(xml: string): SoapMessage {
  const root = parseXml(xml);
  if (root.name !== "Envelope") throw notSoap(`root element ${root.name}`);
  const body = root.child("Body", root.namespace);
  const [content] = body?.children ?? [];
  if (content === undefined) throw notSoap("no body");
  if (content.name === "Fault" && content.namespace === root.namespace) {
    return { kind: "fault", fault: decodeFault(content) };
  }
  if (root.namespace !== NAMESPACES.s) throw notSoap(`envelope namespace "${root.namespace}"`);
  return { kind: "body", headers: root.child("Header", root.namespace)?.children ?? [], body: content };
}

function notSoap(what: string): InvalidInputError {
  return new InvalidInputError("ONVIF_MALFORMED", `expected a SOAP 1.2 envelope, got ${what}`);
}
