import type { Procedure, ProcedureStep } from "#core/model/procedure.ts";

/** A procedure that nobody has written yet. */
export const EMPTY_PROCEDURE: Procedure = {
  id: "",
  title: "",
  titleEn: "",
  scope: {},
  steps: [{ title: "", titleEn: "", confirm: "person" }],
};

/** The steps with one of them moved by some places; it stays inside the list. */
export function moved(steps: readonly ProcedureStep[], from: number, by: number): ProcedureStep[] {
  const to = Math.min(Math.max(from + by, 0), steps.length - 1);
  const step = steps[from];
  if (step === undefined || to === from) return [...steps];
  const others = steps.filter((_, i) => i !== from);
  return [...others.slice(0, to), step, ...others.slice(to)];
}

/** Can it be kept as a draft? It has an id, titles, and every step its name in both languages. */
export function isComplete({ id, title, titleEn, steps }: Procedure): boolean {
  const named = (thing: { title: string; titleEn: string }): boolean =>
    thing.title.trim() !== "" && thing.titleEn.trim() !== "";
  return id !== "" && named({ title, titleEn }) && steps.length > 0 && steps.every(named);
}

/** A step without what says nothing: empty texts, a tick that is not set, a mandatory note. */
export function tidyStep({ text, textEn, mandatory, ...step }: ProcedureStep): ProcedureStep {
  return {
    ...step,
    ...(text ? { text } : {}),
    ...(textEn ? { textEn } : {}),
    ...(mandatory === true && step.confirm !== "note" ? { mandatory } : {}),
  };
}

/** The list with one entry ticked or not; undefined when nothing is ticked, which means all. */
export function ticked<T>(list: readonly T[] | undefined, entry: T, is: boolean): T[] | undefined {
  const others = (list ?? []).filter((one) => one !== entry);
  const all = is ? [...others, entry] : others;
  return all.length === 0 ? undefined : all;
}

/** Entries of a text, by lines and commas; undefined when there is none. */
export function entriesOf(text: string): string[] | undefined {
  const entries = text
    .split(/[\n,，]/)
    .map((one) => one.trim())
    .filter((one) => one !== "");
  return entries.length === 0 ? undefined : entries;
}

/** A scope or procedure without the fields that are undefined. */
export function defined<T extends object>(thing: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(thing).filter(([, value]) => value !== undefined)) as T;
}
