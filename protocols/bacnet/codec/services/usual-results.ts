import type { BacnetValue } from "../values.ts";
import type { PropertyResult, ReadResult } from "./property.ts";

type Values = readonly BacnetValue[];

const BYTES = Array.from({ length: 256 }, (_, value) => value);
// values that come again and again are made once
const ENUMERATED: readonly Values[] = BYTES.map((value) => [{ type: "enumerated", value }]);
const UNSIGNED: readonly Values[] = BYTES.map((value) => [{ type: "unsigned", value }]);
const FLAGS: readonly Values[] = Array.from({ length: 16 }, (_, bits) => [
  { type: "bitString", value: [8, 4, 2, 1].map((bit) => (bits & bit) !== 0) },
]);

/** Bytes of a value by its tag, where it is one of those that are taken here. */
const LENGTHS = new Uint8Array(256);
LENGTHS[0x21] = 2;
LENGTHS[0x44] = 5;
LENGTHS[0x82] = 3;
LENGTHS[0x91] = 2;

function valuesAt(body: Uint8Array, view: DataView, at: number): Values | undefined {
  const next = body[at + 1] ?? 0;
  switch (body[at]) {
    case 0x44:
      return at + 5 > body.length ? undefined : [{ type: "real", value: view.getFloat32(at + 1) }];
    case 0x82:
      return next === 4 ? FLAGS[(body[at + 2] ?? 0) >> 4] : undefined;
    case 0x91:
      return ENUMERATED[next];
    case 0x21:
      return UNSIGNED[next];
    default:
      return undefined;
  }
}

/** Results of the object whose list begins at `at`, put into `results`; the place after the list, or -1 for what is not usual. */
function readList(body: Uint8Array, view: DataView, start: number, results: PropertyResult[]): number {
  let at = start;
  while (body[at] !== 0x1f) {
    // one byte of property identifier, and one value between the tags 4
    if (body[at] !== 0x29 || body[at + 2] !== 0x4e) return -1;
    const values = valuesAt(body, view, at + 3);
    const end = at + 3 + (LENGTHS[body[at + 3] ?? 0] ?? 0);
    if (values === undefined || body[end] !== 0x4f) return -1;
    results.push({ property: body[at + 1] ?? 0, values });
    at = end + 1;
  }
  return at + 1;
}

/**
 * What nearly every answer of a poll is made of: present values as REAL, states of one byte, four status flags, no error. Undefined
 * for anything else, also for what is malformed: the whole decoder judges that. Costs a third of it.
 */
export function decodeUsualResults(body: Uint8Array): readonly ReadResult[] | undefined {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const answers: ReadResult[] = [];
  let at = 0;
  while (at < body.length) {
    if (body[at] !== 0x0c || body[at + 5] !== 0x1e) return undefined;
    const high = ((body[at + 1] ?? 0) << 8) | (body[at + 2] ?? 0);
    const low = ((body[at + 3] ?? 0) << 8) | (body[at + 4] ?? 0);
    const object = { type: high >> 6, instance: ((high & 0x3f) << 16) | low };
    const results: PropertyResult[] = [];
    at = readList(body, view, at + 6, results);
    if (at < 0) return undefined;
    answers.push({ object, results });
  }
  return answers;
}
