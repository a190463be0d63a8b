/*
 * Huffman's code in its canonical form, for a small alphabet: the lengths of the codes tell the codes.
 */

/** Longest code; the table of a decoder has 2 to the power of it entries. */
export const CODE_BITS = 10;

/** Lengths of Huffman's code for symbols that occur so often; 0 for one that never does. Two symbols occur at least. */
function huffmanLengths(counts: Uint32Array): Uint8Array {
  const used = [...counts.keys()].filter((symbol) => (counts[symbol] ?? 0) > 0);
  // Leaves in order of weight, then the inner nodes, which come out in order of weight by themselves.
  const leaves = used.sort((a, b) => (counts[a] ?? 0) - (counts[b] ?? 0));
  const weight = leaves.map((symbol) => counts[symbol] ?? 0);
  const parent: number[] = [];
  let leaf = 0;
  let inner = leaves.length;
  const lightest = (): number => {
    const takeLeaf = leaf < leaves.length && (inner >= weight.length || (weight[leaf] ?? 0) <= (weight[inner] ?? 0));
    return takeLeaf ? leaf++ : inner++;
  };
  for (let made = 1; made < leaves.length; made++) {
    const a = lightest();
    const b = lightest();
    const node = weight.push((weight[a] ?? 0) + (weight[b] ?? 0)) - 1;
    parent[a] = node;
    parent[b] = node;
  }
  const depth = new Uint8Array(weight.length);
  for (let node = weight.length - 2; node >= 0; node--) depth[node] = (depth[parent[node] ?? 0] ?? 0) + 1;
  const lengths = new Uint8Array(counts.length);
  for (const [i, symbol] of leaves.entries()) lengths[symbol] = depth[i] ?? 0;
  return lengths;
}

/** Code lengths of at most CODE_BITS for symbols that occur so often. Two symbols occur at least. */
export function codeLengths(counts: Uint32Array): Uint8Array {
  let weights = counts;
  for (;;) {
    const lengths = huffmanLengths(weights);
    if (lengths.every((length) => length <= CODE_BITS)) return lengths;
    // Rare symbols are taken for less rare until no code is too long.
    weights = weights.map((weight) => (weight === 0 ? 0 : (weight >> 1) | 1));
  }
}

/** The code of each symbol: shorter codes come first, codes of one length in order of their symbols. */
export function codesOf(lengths: Uint8Array): Uint16Array {
  const codes = new Uint16Array(lengths.length);
  let code = 0;
  for (let length = 1; length <= CODE_BITS; length++) {
    for (let symbol = 0; symbol < lengths.length; symbol++) if (lengths[symbol] === length) codes[symbol] = code++;
    code <<= 1;
  }
  return codes;
}

/** By the next CODE_BITS bits: symbol * 16 + length of its code. */
export function decodeTable(lengths: Uint8Array): Uint16Array {
  const table = new Uint16Array(1 << CODE_BITS);
  for (const [symbol, code] of codesOf(lengths).entries()) {
    const length = lengths[symbol] ?? 0;
    if (length === 0) continue;
    const first = code << (CODE_BITS - length);
    table.fill(symbol * 16 + length, first, first + (1 << (CODE_BITS - length)));
  }
  return table;
}
