import { InvalidInputError } from "#core/errors.ts";

/** Both ends inclusive. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The one range that a request asks for; undefined where the whole is to be sent: no range, several, or a unit that is none of
 * ours. [RFC 9110 §14.2: a server may ignore Range]
 * @throws RANGE_NOT_SATISFIABLE when it begins behind the end
 */
export function byteRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), size);
    if (length === 0) throw unsatisfiable(header, size);
    return { from: size - length, to: size - 1 };
  }
  const from = Number(first);
  const to = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < from) return undefined;
  if (from >= size) throw unsatisfiable(header, size);
  return { from, to };
}

function unsatisfiable(header: string | undefined, size: number): InvalidInputError {
  return new InvalidInputError("RANGE_NOT_SATISFIABLE", `${header} of ${size} bytes`);
}

/** What stands in no file name of any system. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const FORBIDDEN = /[\u0000-\u001f\u007f"*/:<>?\\|\u2028-\u202e\u2066-\u2069]/g;
const MOST_NAME = 120;

/**
 * Content-Disposition that saves under a name, which comes from outside: stripped of what would break the header or leave the
 * folder, with the ending of its type. [RFC 6266 §4.3, RFC 8187]
 */
export function attachment(name: string, extension: string): string {
  const clean = name
    .normalize("NFC")
    .toWellFormed()
    .replaceAll(FORBIDDEN, "_")
    .replace(/^[.\s]+/, "")
    .slice(0, MOST_NAME)
    .toWellFormed()
    .trim();
  const stem = clean.toLowerCase().endsWith(`.${extension}`) ? clean.slice(0, -extension.length - 1) : clean;
  const file = `${stem === "" ? "parkhub" : stem}.${extension}`;
  const ascii = file.replaceAll(/[^\x20-\x7e]/g, "_").replaceAll("%", "_");
  const encoded = encodeURIComponent(file).replaceAll(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
