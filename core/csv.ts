/** A field of a CSV file. */
export type CsvValue = string | number | boolean | null | undefined;

/** What a spreadsheet reads as UTF-8 only with this in front. */
export const CSV_BOM = "\u{feff}";

/** What a spreadsheet would take for a formula. [OWASP CSV Injection] */
const FORMULA = /^[=+\-@\t\r]/;

/** One field of a CSV file. Texts that look like a formula are made texts by an apostrophe; numbers are numbers. [RFC 4180 §2] */
export function csvField(value: CsvValue): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One record with its line end. [RFC 4180 §2] */
export function csvLine(fields: readonly CsvValue[]): string {
  return `${fields.map(csvField).join(",")}\r\n`;
}
