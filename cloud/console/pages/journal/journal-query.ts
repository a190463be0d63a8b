import { AlarmCategory, AlarmPriority, AlarmTransition, Law } from "#core/model/alarm.ts";
import type { JournalFilter } from "../../api/journal-api.ts";
import { dateOf, shownTimeZone, timeOfDay } from "../../i18n/format.ts";
import { instantOf } from "../../i18n/site-time.ts";

type Query = Readonly<Record<string, string | undefined>>;

/** One of some values, if it is one of them: an address may hold anything. */
function oneOf<T extends string>(values: readonly T[], text: string | undefined): T | undefined {
  return values.find((value) => value === text);
}

function timeOf(text: string | undefined): string | undefined {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

/** The filter that an address asks for; what makes no sense in it is left out. */
export function filterOf(query: Query): JournalFilter {
  const text = (name: string): string | undefined => {
    const given = query[name]?.trim().slice(0, 100);
    return given === "" ? undefined : given;
  };
  const filter = {
    q: text("q"),
    from: timeOf(query["from"]),
    to: timeOf(query["to"]),
    area: text("area"),
    law: oneOf(Law.enum, query["law"]),
    category: oneOf(AlarmCategory.enum, query["category"]),
    priority: oneOf(AlarmPriority.enum, query["priority"]),
    transition: oneOf(AlarmTransition.enum, query["transition"]),
    actor: text("actor"),
    point: query["point"]?.trim() === "" ? undefined : query["point"]?.trim(),
    alarm: query["alarm"],
  };
  // A time that ends before it begins is no question: the later bound is left out.
  if (filter.from !== undefined && filter.to !== undefined && filter.from >= filter.to) filter.to = undefined;
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as JournalFilter;
}

/** A time of a filter as an input of local time shows it, at the site and to the minute; empty for none. */
export function siteInput(time: string | undefined): string {
  if (time === undefined) return "";
  const at = new Date(time);
  return `${dateOf(at)}T${timeOfDay(at).slice(0, 5)}`;
}

/** What such an input holds, as the address has it; undefined when it is empty. */
export function ofSiteInput(text: string): string | undefined {
  const at = instantOf(text, shownTimeZone());
  return at === undefined ? undefined : new Date(at).toISOString();
}
