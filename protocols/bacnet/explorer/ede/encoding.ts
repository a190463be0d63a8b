const BOMS: readonly (readonly [bytes: readonly number[], encoding: string])[] = [
  [[0xef, 0xbb, 0xbf], "utf-8"],
  [[0xff, 0xfe], "utf-16le"],
  [[0xfe, 0xff], "utf-16be"],
];

/**
 * Text of a file that says nothing of its encoding: by its byte order mark; else UTF-16 where every other byte is zero, UTF-8 where it
 * is valid, GBK where its bytes come in the pairs of Chinese text, and else Windows-1252. Line ends and marks as they are.
 */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder(encodingOf(bytes)).decode(bytes);
}

/** Name of the encoding that `decodeText` takes. */
export function encodingOf(bytes: Uint8Array): string {
  const marked = BOMS.find(([mark]) => mark.every((byte, at) => bytes[at] === byte));
  if (marked !== undefined) return marked[1];
  const zeros = zerosOf(bytes);
  if (zeros !== undefined) return zeros;
  if (isUtf8(bytes)) return "utf-8";
  return looksChinese(bytes) ? "gbk" : "windows-1252";
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch (cause) {
    // the fatal decoder's own error
    if (cause instanceof TypeError) return false;
    throw cause;
  }
}

// header lines are ASCII in any language
function zerosOf(bytes: Uint8Array): string | undefined {
  const head = bytes.subarray(0, 64);
  const zeros = [0, 0];
  for (const [at, byte] of head.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  const many = head.length / 4;
  if (odd > many && even === 0) return "utf-16le";
  return even > many && odd === 0 ? "utf-16be" : undefined;
}

/** Chinese text has its bytes above 0xA0 in pairs; the letters of western languages stand alone. */
function looksChinese(bytes: Uint8Array): boolean {
  let pairs = 0;
  let alone = 0;
  for (let at = 0; at < bytes.length; at++) {
    if ((bytes[at] ?? 0) < 0x81) continue;
    if ((bytes[at + 1] ?? 0) >= 0xa1) {
      pairs += 1;
      at += 1;
    } else alone += 1;
  }
  return pairs > alone;
}
