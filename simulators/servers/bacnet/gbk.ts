/*
 * GBK for texts: what many controllers of the Chinese market send. Node decodes it and does not encode it, so the table is turned
 * round once.
 */
let table: ReadonlyMap<string, readonly [number, number]> | undefined;

function characters(): ReadonlyMap<string, readonly [number, number]> {
  if (table !== undefined) return table;
  const pairs: (readonly [number, number])[] = [];
  for (let lead = 0x81; lead <= 0xfe; lead++) for (let trail = 0x40; trail <= 0xfe; trail++) pairs.push([lead, trail]);
  // one line a pair: decoded at once, a pair that is none spoils its own line only
  const lines = new TextDecoder("gbk").decode(Uint8Array.from(pairs.flatMap((pair) => [...pair, 0x0a]))).split("\n");
  const built = new Map<string, readonly [number, number]>();
  for (const [i, pair] of pairs.entries()) {
    const character = lines[i];
    if (character?.length === 1 && character !== "\ufffd" && !built.has(character)) built.set(character, pair);
  }
  table = built;
  return built;
}

/** A text in GBK; what GBK does not have becomes a question mark. */
export function gbkBytes(text: string): Uint8Array {
  const known = characters();
  return Uint8Array.from(
    [...text].flatMap((character) => {
      const code = character.charCodeAt(0);
      if (character.length === 1 && code < 0x80) return [code];
      return known.get(character) ?? [0x3f];
    }),
  );
}
