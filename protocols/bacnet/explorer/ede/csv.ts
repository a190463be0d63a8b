/** A cell of a separated file and where it begins; line and column count from 1. */
export interface Cell {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** A row of cells; there is at least one. */
export type Row = readonly Cell[];

/** Separators that tools write. */
const SEPARATORS = [";", ",", "\t"] as const;
const QUOTE = '"';

/** The separator of a text: the one that its rows have most, outside of quotes. */
export function separatorOf(text: string): string {
  const head = text.slice(0, 65_536).replaceAll(/"(?:[^"]|"")*"/g, "");
  const counts = SEPARATORS.map((separator) => head.split(separator).length - 1);
  const most = Math.max(...counts);
  return SEPARATORS[counts.indexOf(most)] ?? ";";
}

/** Takes a separated text apart: quoted cells may hold separators, doubled quotes and line ends. [RFC 4180] Never throws. */
export function parseCsv(text: string, separator: string = separatorOf(text)): readonly Row[] {
  const rows: Cell[][] = [];
  let row: Cell[] = [];
  let at = 0;
  let line = 1;
  let lineStart = 0;
  while (at <= text.length) {
    const begin = { line, column: at - lineStart + 1 };
    let cell: string;
    if (text[at] === QUOTE) {
      const { content, end } = quoted(text, at + 1);
      cell = content;
      for (let i = at; i < end; i++) {
        if (text[i] !== "\n") continue;
        line += 1;
        lineStart = i + 1;
      }
      at = end;
      // what follows a closing quote belongs to the cell, as spreadsheets take it
      const rest = plain(text, at, separator);
      cell += rest.content;
      at = rest.end;
    } else {
      const { content, end } = plain(text, at, separator);
      cell = content;
      at = end;
    }
    row.push({ text: cell.trim(), ...begin });
    if (text[at] === separator) {
      at += 1;
      continue;
    }
    rows.push(row);
    row = [];
    if (at >= text.length) break;
    at += text.startsWith("\r\n", at) ? 2 : 1;
    line += 1;
    lineStart = at;
    if (at === text.length) break;
  }
  return rows;
}

function plain(text: string, from: number, separator: string): { readonly content: string; readonly end: number } {
  let end = from;
  while (end < text.length && text[end] !== separator && text[end] !== "\n" && text[end] !== "\r") end++;
  return { content: text.slice(from, end), end };
}

/** Content up to the closing quote; to the end of the text where there is none. */
function quoted(text: string, from: number): { readonly content: string; readonly end: number } {
  let begin = from;
  let content = "";
  for (;;) {
    const quote = text.indexOf(QUOTE, begin);
    if (quote < 0) return { content: content + text.slice(begin), end: text.length };
    content += text.slice(begin, quote);
    if (text[quote + 1] !== QUOTE) return { content, end: quote + 1 };
    content += QUOTE;
    begin = quote + 2;
  }
}

/** Rows as a separated text, every line ending with CR LF; cells are quoted where they need it. */
export function csvText(rows: readonly (readonly string[])[], separator: string): string {
  const cell = (text: string): string =>
    text.includes(separator) || /["\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  return rows.map((row) => `${row.map(cell).join(separator)}\r\n`).join("");
}
