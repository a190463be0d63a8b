import type { AlarmCategory, AlarmPriority } from "#core/model/alarm.ts";
import type { Translate } from "../../i18n/index.ts";
import type { ShownState } from "../../live/alarm-order.ts";

type RowKey =
  | `alarm.state.${ShownState | "closed"}`
  | `alarm.priority.${AlarmPriority}`
  | `alarm.category.${AlarmCategory}`;

/** The texts that every row has, looked up once a language: a flood draws hundreds of rows a second. */
export interface RowWords {
  of(key: RowKey): string;
  /** Says to whom cannot see it what the tick of a row selects. */
  select(message: string): string;
}

/** Stands where a message will: no message holds it. */
const HOLE = "\u0000";

/** The words of the language that `t` speaks. */
export function rowWords(t: Translate): RowWords {
  const known = new Map<RowKey, string>();
  const [before = "", after = ""] = t("alarm.selectRow", { message: HOLE }).split(HOLE);
  return {
    of(key) {
      const word = known.get(key) ?? t(key);
      known.set(key, word);
      return word;
    },
    select: (message) => `${before}${message}${after}`,
  };
}
