import { buildEnvelope } from "#protocols/onvif/codec/envelope.ts";
import type { FaultOptions, OnvifFaults } from "./fault-menu.ts";

/** Content type of SOAP 1.2. */
export const SOAP_TYPE = "application/soap+xml; charset=utf-8";

/** An HTTP answer before it is sent. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  /** Chunks where it is too large to hold. */
  readonly body: string | Uint8Array | Iterable<string>;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

/** What comes instead of an answer: nothing at all, the end of the connection, or another answer. */
export type Instead = "silence" | "reset" | Answer;

const CHUNK = "<tt:SimpleItem Name='A' Value='simulated'/>".repeat(1500);
const DEPTH = 20_000;

/** What the active faults put in the place of an operation's answer; undefined: the operation is performed. `self` is the device's base URL. */
export function insteadOf(faults: OnvifFaults, operation: string, self: string): Instead | undefined {
  if (faults.has("half-open")) return "silence";
  if (operation === "PullMessages" && faults.has("frozen-events")) return "silence";
  if (faults.has("dropped", operation)) return "reset";
  const redirect = faults.of("redirect", operation);
  if (redirect !== undefined) {
    const headers = { Location: String(redirect["location"]) };
    return { status: Number(redirect["status"]), type: "text/plain", body: "", headers };
  }
  if (faults.has("xml-bomb", operation)) return soap(bomb(operation));
  if (faults.has("external-entity", operation)) return soap(externalEntity(operation, self));
  const huge = faults.of("huge-answer", operation);
  if (huge !== undefined) {
    return { status: 200, type: SOAP_TYPE, body: hugeBody(operation, Number(huge["megabytes"]) * 1_000_000) };
  }
  const shape = faults.of("wrong-shape", operation);
  return shape === undefined ? undefined : wrongShape(operation, shape);
}

function soap(body: string): Answer {
  return { status: 200, type: SOAP_TYPE, body };
}

/** [XML 1.0 §4.4] each entity is ten of the one before. */
function bomb(operation: string): string {
  const entities = ['<!ENTITY e0 "0123456789">'];
  for (let i = 1; i <= 9; i++) entities.push(`<!ENTITY e${i} "${`&e${i - 1};`.repeat(10)}">`);
  return `<?xml version="1.0"?><!DOCTYPE s [${entities.join("")}]>${content(operation, "&e9;")}`;
}

function externalEntity(operation: string, self: string): string {
  return `<?xml version="1.0"?><!DOCTYPE s [<!ENTITY e SYSTEM "${self}/onvif/leak">]>${content(operation, "&e;")}`;
}

function content(operation: string, inner: string): string {
  return buildEnvelope(`<tds:${operation}Response>${inner}</tds:${operation}Response>`).replace(/^<\?xml[^>]*>/, "");
}

function* hugeBody(operation: string, bytes: number): Generator<string> {
  const [head = "", tail = ""] = buildEnvelope(`<tds:${operation}Response>|</tds:${operation}Response>`).split("|");
  yield head;
  for (let sent = 0; sent < bytes; sent += CHUNK.length) yield CHUNK;
  yield tail;
}

function wrongShape(operation: string, options: FaultOptions): Answer {
  switch (options["shape"]) {
    case "no-content":
      return soap(buildEnvelope(`<tds:${operation}Response/>`));
    case "empty-body":
      return soap(buildEnvelope(""));
    case "no-envelope":
      return soap('<?xml version="1.0"?><answer>yes</answer>');
    case "html":
      return { status: 200, type: "text/html", body: "<!DOCTYPE html><html><body>Please sign in</body></html>" };
    case "truncated":
      return soap(content(operation, "<tds:Value>half of it").split("half of it")[0] ?? "");
    case "soap-1.1":
      return soap(content(operation, "").replaceAll("http://www.w3.org/2003/05/soap-envelope", SOAP_1_1));
    case "deep":
      return soap(content(operation, "<tt:A>".repeat(DEPTH) + "</tt:A>".repeat(DEPTH)));
    default:
      return soap(buildEnvelope("<tds:SetHostnameFromDHCPResponse/>"));
  }
}

const SOAP_1_1 = "http://schemas.xmlsoap.org/soap/envelope/";
