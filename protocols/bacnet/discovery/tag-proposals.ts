import type { ProposedTag } from "#core/contracts/discovery.ts";
import { unitByBacnet } from "#core/units.ts";
import { OBJECT_TYPES } from "../codec/enums.ts";
import type { FoundObject } from "./object-details.ts";
import { QUANTITY_TAGS, SETPOINT_WORDS, TAG_WORDS } from "./tag-words.ts";

const BY_UNIT = 0.9;
const BY_TYPE = 0.8;
const BY_TAG = 1;
const CJK = /[\u3400-\u9fff]/;
const MARKER = /^[a-z][A-Za-z0-9]{0,63}$/;

const T = OBJECT_TYPES;
const INPUTS: readonly number[] = [
  T["analog-input"],
  T["binary-input"],
  T["multi-state-input"],
  T.accumulator,
  T["pulse-converter"],
];
const OUTPUTS: readonly number[] = [T["analog-output"], T["binary-output"], T["multi-state-output"]];

/** Names as words: `SupplyAirTemp_1` reads `supply air temp 1`. */
function wordsOf(text: string): string {
  const parts = text
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .replaceAll(/[^a-z0-9\u3400-\u9fff]+/g, " ");
  return ` ${parts.trim()} `;
}

function says(text: string, word: string): boolean {
  return CJK.test(word) ? text.includes(word) : text.includes(` ${word} `);
}

/**
 * Haystack tags that an object's unit, type, words and own tags speak for, the surest first. A proposal for a person to accept,
 * never taken over by itself.
 */
export function proposedTags(found: FoundObject): readonly ProposedTag[] {
  const { object, name, description = "", units, commandable, tags = {} } = found;
  const proposals = new Map<string, number>();
  const propose = (some: readonly string[], confidence: number): void => {
    for (const tag of some) proposals.set(tag, Math.max(confidence, proposals.get(tag) ?? 0));
  };
  const own = Object.entries(tags).filter(([tag, value]) => value === true && MARKER.test(tag));
  propose(
    own.map(([tag]) => tag),
    BY_TAG,
  );
  if (units !== undefined) propose(QUANTITY_TAGS[unitByBacnet(units).quantity] ?? [], BY_UNIT);
  const text = wordsOf(`${name} ${description}`);
  for (const { words, tags: meant, confidence } of TAG_WORDS) {
    if (words.some((word) => says(text, word))) propose(meant, confidence);
  }
  const isSetpoint = SETPOINT_WORDS.some((word) => says(text, word));
  if (INPUTS.includes(object.type)) propose(["sensor"], BY_TYPE);
  else if (isSetpoint) propose(["sp"], BY_TYPE);
  else if (OUTPUTS.includes(object.type)) propose(["cmd"], BY_TYPE);
  else if (commandable) propose(["cmd"], BY_TYPE / 2);
  return [...proposals]
    .map(([tag, confidence]) => ({ tag, confidence }))
    .sort((a, b) => b.confidence - a.confidence || a.tag.localeCompare(b.tag));
}
