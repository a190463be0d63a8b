/** A column of a table; numbers stand right. */
export interface Column {
  readonly title: string;
  readonly right?: true;
  /** Cells wider than this are cut, terminal columns. */
  readonly most?: number;
}

// what East_Asian_Width calls wide or full-width, as far as it is met in names [Unicode Standard Annex 11]
const WIDE: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1faff],
  [0x20000, 0x3fffd],
];
const ZERO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;
const CONTROL = /[\p{Cc}\u2028\u2029]/gu;

function widthOfCharacter(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (ZERO_WIDTH.test(character)) return 0;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/** Columns of a terminal that a text takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

/** What a device sent, made safe for a terminal: control characters could move the cursor or set colours. */
export function printable(text: string): string {
  return text.replaceAll(CONTROL, "\ufffd");
}

function cut(text: string, most: number): string {
  if (displayWidth(text) <= most) return text;
  let width = 0;
  let kept = "";
  for (const character of text) {
    width += widthOfCharacter(character);
    if (width > most - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Rows under titles, each column as wide as its widest cell. Every line ends with a line feed. */
export function tableText(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => columns.map(({ most = Infinity }, at) => cut(printable(row[at] ?? ""), most)));
  const widths = columns.map(({ title }, at) =>
    cells.reduce((widest, row) => Math.max(widest, displayWidth(row[at] ?? "")), displayWidth(title)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => {
        const fill = " ".repeat(Math.max(0, (widths[at] ?? 0) - displayWidth(cell)));
        return columns[at]?.right ? fill + cell : cell + fill;
      })
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width));
  return [columns.map(({ title }) => title), rule, ...cells].map((row) => `${line(row)}\n`).join("");
}
