import { LAW_OF_CATEGORY } from "#core/alarm/law.ts";
import type { AlarmCategory, AlarmPriority, Law } from "#core/model/alarm.ts";
import { type AlarmFilter, STATE_FILTERS } from "./alarm-filter.ts";
import { PRIORITIES } from "./alarm-order.ts";

/** A filter that somebody gave a name. */
export interface SavedFilter {
  readonly name: string;
  readonly filter: AlarmFilter;
}

/** A person keeps so many at most. */
export const MOST_SAVED = 20;
/** Longest name, characters. */
export const LONGEST_NAME = 40;
const LONGEST_TEXT = 100;
const LAWS: readonly Law[] = ["facility", "security"];
const CATEGORIES = Object.keys(LAW_OF_CATEGORY) as AlarmCategory[];

/** The filters as one text for the browser's memory. */
export function packFilters(saved: readonly SavedFilter[]): string {
  return JSON.stringify(
    saved.map(({ name, filter }) => ({ name, filter: { ...filter, priorities: [...filter.priorities] } })),
  );
}

function oneOf<T extends string>(value: unknown, known: readonly T[]): T | undefined {
  return known.find((one) => one === value);
}

function filterOf(value: Readonly<Record<string, unknown>>): AlarmFilter {
  const { priorities, area, q } = value;
  return {
    priorities: new Set(
      (Array.isArray(priorities) ? priorities : []).flatMap((one: unknown): readonly AlarmPriority[] => {
        const known = oneOf(one, PRIORITIES);
        return known === undefined ? [] : [known];
      }),
    ),
    state: oneOf(value["state"], STATE_FILTERS),
    law: oneOf(value["law"], LAWS),
    category: oneOf(value["category"], CATEGORIES),
    area: typeof area === "string" ? area.slice(0, LONGEST_TEXT) : undefined,
    q: typeof q === "string" ? q.slice(0, LONGEST_TEXT) : "",
  };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

/** What a browser remembered; whatever else stands there counts as nothing. */
export function unpackFilters(text: string | null): readonly SavedFilter[] {
  if (text === null) return [];
  try {
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value)) return [];
    return value
      .flatMap((one: unknown): SavedFilter[] => {
        if (!isObject(one) || typeof one["name"] !== "string" || !isObject(one["filter"])) return [];
        return [{ name: one["name"].slice(0, LONGEST_NAME), filter: filterOf(one["filter"]) }];
      })
      .slice(0, MOST_SAVED);
  } catch {
    return [];
  }
}

/** The list with a filter under a name: in the place of the older one of this name, else at the end. Undefined: no room. */
export function withFilter(
  saved: readonly SavedFilter[],
  name: string,
  filter: AlarmFilter,
): readonly SavedFilter[] | undefined {
  const entry = { name: name.slice(0, LONGEST_NAME), filter };
  if (saved.some((one) => one.name === entry.name)) return saved.map((one) => (one.name === entry.name ? entry : one));
  return saved.length >= MOST_SAVED ? undefined : [...saved, entry];
}
