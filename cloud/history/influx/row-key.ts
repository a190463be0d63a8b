import type { Quality } from "#core/model/quality.ts";

/*
 * The field `row` of every stored sample: `<kind><quality>:<epoch>:<offset>`, with `s<ms>` behind it where the device gave
 * a time: how far it lies from the row's own. One text instead of four fields, because each field of a row costs the
 * server as much as the value itself. Kind and quality are in it although the other fields show them: a row that is
 * overwritten in place keeps fields of its former content, and `row` says which ones count.
 */

/** Kinds by letter, in the order of KIND: null, number, false, true, text. */
export const KIND_LETTERS = "znfts";

/** The three qualities by letter. */
export const QUALITY_LETTERS = { good: "g", uncertain: "u", bad: "b" } as const satisfies Record<Quality, string>;

const ROW = /^([znfts])([gub]):(.*):(\d+)(?:s(-?\d+))?$/s;

/** What a `row` field says. */
export interface RowKey {
  /** Index into KIND_LETTERS: one of KIND. */
  readonly kind: number;
  readonly quality: Quality;
  readonly epoch: string;
  readonly offset: number;
  /** sourceTime minus the row's time, ms. */
  readonly source: number | undefined;
}

const QUALITIES: Readonly<Record<string, Quality>> = { g: "good", u: "uncertain", b: "bad" };

/** Reads a `row` field; undefined when somebody else has written it. */
export function parseRow(text: unknown): RowKey | undefined {
  if (typeof text !== "string") return undefined;
  const [, kind = "", quality = "", epoch = "", offset, source] = ROW.exec(text) ?? [];
  if (offset === undefined) return undefined;
  return {
    kind: KIND_LETTERS.indexOf(kind),
    quality: QUALITIES[quality] ?? "bad",
    epoch,
    offset: Number(offset),
    source: source === undefined ? undefined : Number(source),
  };
}
