import type { XmlElement } from "#protocols/onvif/codec/xml.ts";
import { SoapRefusal } from "./service.ts";

/** Marks a StartReference of ours. */
const AFTER = "after:";

interface Entity {
  readonly token: string;
}

/** The part of a list that a Get<Entity>List asks for, and where the next one starts. [ONVIF Access Control 5.2.3] */
export function pageOf<T extends Entity>(
  body: XmlElement,
  all: readonly T[],
  maxLimit: number,
): { readonly items: readonly T[]; readonly next: string | undefined } {
  const start = body.textAt("StartReference");
  const former = start?.startsWith(AFTER) === true ? start.slice(AFTER.length) : undefined;
  const from = start === undefined ? 0 : all.findIndex(({ token }) => token === former) + 1;
  if (start !== undefined && from === 0) {
    throw new SoapRefusal("Sender", ["InvalidArgVal", "InvalidStartReference"], `no start reference ${start}`);
  }
  const asked = Number(body.textAt("Limit") ?? maxLimit);
  const limit = Number.isInteger(asked) && asked > 0 ? Math.min(asked, maxLimit) : maxLimit;
  const items = all.slice(from, from + limit);
  const last = items.at(-1)?.token;
  return { items, next: last === undefined || from + limit >= all.length ? undefined : `${AFTER}${last}` };
}

/** The entities whose tokens a Get<Entity> names; unknown ones are left out. [ONVIF Access Control 5.2.3] @throws SoapRefusal ter:TooManyItems */
export function named<T extends Entity>(body: XmlElement, all: readonly T[], maxLimit: number): readonly T[] {
  const tokens = body.all("Token").map((token) => token.text);
  if (tokens.length > maxLimit) {
    throw new SoapRefusal("Sender", ["InvalidArgs", "TooManyItems"], `${tokens.length} items, at most ${maxLimit}`);
  }
  return all.filter(({ token }) => tokens.includes(token));
}

/** The one entity that a request names. @throws SoapRefusal ter:NotFound */
export function oneOf<T extends Entity>(body: XmlElement, all: readonly T[]): T {
  const token = body.textAt("Token");
  const found = all.find((candidate) => candidate.token === token);
  if (found === undefined) throw new SoapRefusal("Sender", ["InvalidArgs", "NotFound"], `no such token ${token ?? ""}`);
  return found;
}
