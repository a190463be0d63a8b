import { malformed, Reader } from "./bytes.ts";
import { type BacnetValue, readValue } from "./values.ts";

/** A constructed value taken apart for display. */
export type RawTree =
  | { readonly kind: "value"; readonly value: BacnetValue }
  /** Context-tagged content, whose type only its production tells. */
  | { readonly kind: "context"; readonly tag: number; readonly bytes: Uint8Array }
  | { readonly kind: "constructed"; readonly tag: number; readonly children: readonly RawTree[] };

const MAX_DEPTH = 16;
const MAX_NODES = 10_000;

interface Budget {
  nodes: number;
}

/** The nested tags of a raw value (or any other) for display. @throws BACNET_MALFORMED deeper than 16 tags or beyond 10,000 nodes */
export function treeOf(value: BacnetValue): RawTree {
  return grow(value, { nodes: MAX_NODES }, 0);
}

function grow(value: BacnetValue, budget: Budget, depth: number): RawTree {
  budget.nodes--;
  if (budget.nodes < 0) throw malformed(`more than ${MAX_NODES} nodes`);
  if (depth > MAX_DEPTH) throw malformed(`nested deeper than ${MAX_DEPTH}`);
  if (value.type !== "raw" || !value.context) return { kind: "value", value };
  if (!value.constructed) return { kind: "context", tag: value.tag, bytes: value.value };
  const reader = new Reader(value.value);
  const children: RawTree[] = [];
  while (reader.remaining > 0) children.push(grow(readValue(reader), budget, depth + 1));
  return { kind: "constructed", tag: value.tag, children };
}
