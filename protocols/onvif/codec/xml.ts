import { XMLParser, XMLValidator } from "fast-xml-parser";
import { InvalidInputError } from "#core/errors.ts";

/** Largest message that is looked at, characters. A GetEventProperties of a big camera takes some 200 000. */
export const MAX_XML_CHARACTERS = 1_000_000;
/** Deepest nesting that is looked at; ONVIF messages stay below 20. */
export const MAX_XML_DEPTH = 64;
/**
 * Most tags and attributes that are looked at; the hundred notifications that are asked for at once have some 4000. With these
 * limits the worst document takes less than 50 MB of a driver thread's heap.
 */
const MAX_XML_TAGS = 30_000;
const MAX_XML_ATTRIBUTES = 30_000;
/** Most namespace declarations in scope at one place: every redeclaration copies them. */
const MAX_SCOPE = 48;

/** One element. Every value stays a string: tokens, serial numbers and versions are no numbers. */
export class XmlElement {
  /** Namespace URI, "" where none is declared. */
  readonly namespace: string;
  /** Name without prefix. */
  readonly name: string;
  /** By name as written, namespace declarations included. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Own text, entities resolved, blanks on both sides cut. */
  readonly text: string;
  /** Namespace URI by prefix, as in scope here; needed for prefixes inside of text (topics, fault codes). */
  readonly scope: ReadonlyMap<string, string>;

  constructor(init: Omit<XmlElement, "child" | "all" | "at" | "textAt">) {
    this.namespace = init.namespace;
    this.name = init.name;
    this.attributes = init.attributes;
    this.children = init.children;
    this.text = init.text;
    this.scope = init.scope;
  }

  /** First child of that name; of any namespace where none is given. */
  child(name: string, namespace?: string): XmlElement | undefined {
    return this.children.find((c) => c.name === name && (namespace === undefined || c.namespace === namespace));
  }

  /** All children of that name. */
  all(name: string): readonly XmlElement[] {
    return this.children.filter((c) => c.name === name);
  }

  /** Descendant by a path of names. */
  at(...path: readonly string[]): XmlElement | undefined {
    let found: XmlElement | undefined = this;
    for (const name of path) found = found?.child(name);
    return found;
  }

  /** Text of a descendant by a path of names; undefined where there is none or it is empty. */
  textAt(...path: readonly string[]): string | undefined {
    const text = this.at(...path)?.text;
    return text === "" ? undefined : text;
  }
}

const TEXT = "#text";
const CDATA = "#cdata";
const ATTRIBUTES = ":@";
const XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace";

// Entities stay untouched by the parser: it knows no numeric ones, and named ones of a DOCTYPE must never expand.
const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: "",
  textNodeName: TEXT,
  cdataPropName: CDATA,
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: MAX_XML_DEPTH,
});

const NAMED: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** Resolves the five named and all numeric references; anything else stays as written. [XML 1.0 §4.6] */
function resolveReferences(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|(\w{2,4}));/gi, (whole, hex, decimal, name) => {
    if (typeof name === "string") return NAMED[name] ?? whole;
    const code = typeof hex === "string" ? Number.parseInt(hex, 16) : Number.parseInt(String(decimal), 10);
    const valid = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    return valid ? String.fromCodePoint(code) : whole;
  });
}

/** Makes text safe as element content and as attribute value, without characters that XML 1.0 forbids. */
export function escapeXml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML 1.0 §2.2 forbids
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
      .replaceAll("'", "&apos;")
  );
}

function splitName(name: string): readonly [prefix: string, local: string] {
  const colon = name.indexOf(":");
  return colon < 0 ? ["", name] : [name.slice(0, colon), name.slice(colon + 1)];
}

function attributesOf(node: Readonly<Record<string, unknown>>): Map<string, string> {
  const found = new Map<string, string>();
  const raw = node[ATTRIBUTES];
  if (typeof raw !== "object" || raw === null) return found;
  for (const [name, value] of Object.entries(raw)) found.set(name, resolveReferences(String(value)));
  return found;
}

function scopeOf(outer: ReadonlyMap<string, string>, attributes: ReadonlyMap<string, string>) {
  let scope: Map<string, string> | undefined;
  for (const [name, value] of attributes) {
    if (name !== "xmlns" && !name.startsWith("xmlns:")) continue;
    scope ??= new Map(outer);
    scope.set(name === "xmlns" ? "" : name.slice(6), value);
    if (scope.size > MAX_SCOPE) throw malformed(`more than ${MAX_SCOPE} namespaces in scope`);
  }
  return scope ?? outer;
}

function contentText(nodes: unknown): string {
  let text = "";
  if (!Array.isArray(nodes)) return text;
  for (const node of nodes) {
    if (typeof node !== "object" || node === null) continue;
    if (TEXT in node) text += resolveReferences(String(node[TEXT]));
    if (CDATA in node) text += contentTextRaw(node[CDATA]);
  }
  return text;
}

function contentTextRaw(nodes: unknown): string {
  if (!Array.isArray(nodes)) return "";
  return nodes
    .map((node) => (typeof node === "object" && node !== null && TEXT in node ? String(node[TEXT]) : ""))
    .join("");
}

function elementsOf(nodes: unknown, outer: ReadonlyMap<string, string>): readonly XmlElement[] {
  if (!Array.isArray(nodes)) return [];
  const found: XmlElement[] = [];
  for (const node of nodes) {
    if (typeof node !== "object" || node === null) continue;
    const tag = Object.keys(node).find((key) => key !== ATTRIBUTES);
    if (tag === undefined || tag === TEXT || tag === CDATA) continue;
    const attributes = attributesOf(node);
    const scope = scopeOf(outer, attributes);
    const [prefix, name] = splitName(tag);
    const content: unknown = node[tag];
    found.push(
      new XmlElement({
        namespace: scope.get(prefix) ?? "",
        name,
        attributes,
        children: elementsOf(content, scope),
        text: contentText(content).trim(),
        scope,
      }),
    );
  }
  return found;
}

/** How often a character occurs; few large texts make a small document, many small tags a large one. */
function countOf(text: string, character: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count++;
  return count;
}

/**
 * Root element of a document. No entity but the five named and the numeric ones is ever resolved.
 * @throws ONVIF_MALFORMED for a document type declaration, for what is too large, too deep or not well-formed
 */
export function parseXml(xml: string): XmlElement {
  if (xml.length > MAX_XML_CHARACTERS) throw malformed(`${xml.length} characters, at most ${MAX_XML_CHARACTERS}`);
  // [SOAP 1.2 part 1 §5] a message holds no document type declaration; refused before anything looks at it.
  if (/<!\s*(?:DOCTYPE|ENTITY)/i.test(xml)) throw malformed("a document type declaration");
  if (countOf(xml, "<") > MAX_XML_TAGS) throw malformed(`more than ${MAX_XML_TAGS} tags`);
  if (countOf(xml, "=") > MAX_XML_ATTRIBUTES) throw malformed(`more than ${MAX_XML_ATTRIBUTES} attributes`);
  const verdict = XMLValidator.validate(xml);
  if (verdict !== true) throw malformed(`${verdict.err.msg} in line ${verdict.err.line}`);
  let roots: readonly XmlElement[];
  try {
    roots = elementsOf(parser.parse(xml), new Map([["xml", XML_NAMESPACE]]));
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    throw malformed(error instanceof Error ? error.message : String(error), error);
  }
  const [root] = roots;
  if (root === undefined) throw malformed("no element");
  return root;
}

function malformed(what: string, cause?: unknown): InvalidInputError {
  return new InvalidInputError("ONVIF_MALFORMED", `XML refused: ${what}`, { cause });
}

/** Writes an element with its own namespace declarations, for a part of an answer that has to be sent back unchanged. */
export function serializeXml(element: XmlElement, extraAttributes = ""): string {
  let attributes = element.namespace === "" ? "" : ` xmlns="${escapeXml(element.namespace)}"`;
  for (const [name, value] of element.attributes) {
    if (name === "xmlns" || name.startsWith("xmlns:") || name.includes(":")) continue;
    attributes += ` ${name}="${escapeXml(value)}"`;
  }
  const content = escapeXml(element.text) + element.children.map((child) => serializeXml(child)).join("");
  return `<${element.name}${attributes}${extraAttributes}>${content}</${element.name}>`;
}
