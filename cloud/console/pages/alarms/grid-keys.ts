import type { AlarmActName } from "../../live/alarm-acts.ts";

/** What a key asks of the alarm list. */
export type GridAct =
  | { readonly do: "move"; readonly to: number; readonly ticking?: boolean }
  | { readonly do: "act"; readonly act: AlarmActName | "shelving" | "service" }
  | { readonly do: "tick" | "search" | "untick" | "open" | "close" | "silence" | "help" | "tickAll" };

/** A key with what is held with it. */
export interface GridKey {
  readonly key: string;
  readonly shift?: boolean;
  readonly control?: boolean;
}

/** Rows that Page Up and Page Down pass. */
const PAGE_ROWS = 12;

/** Keys that need no place in the list. `shelving` and `service` go back and forth. */
const KEYS: Readonly<Record<string, GridAct>> = {
  " ": { do: "tick" },
  a: { do: "act", act: "acknowledge" },
  r: { do: "act", act: "reset" },
  s: { do: "act", act: "shelving" },
  o: { do: "act", act: "service" },
  c: { do: "act", act: "comment" },
  i: { do: "act", act: "assign" },
  m: { do: "silence" },
  "/": { do: "search" },
  "?": { do: "help" },
  Escape: { do: "untick" },
  Enter: { do: "open" },
  ArrowRight: { do: "open" },
  ArrowLeft: { do: "close" },
};

/** With Caps Lock the letters are the same keys. */
const lower = (key: string): string => (key.length === 1 ? key.toLowerCase() : key);
const actOfLetter = (key: string): GridAct | undefined => (Object.hasOwn(KEYS, key) ? KEYS[key] : undefined);

/** The act of a key, for `rows` rows with the cursor at `at` (-1 for none); undefined for a key that is not ours. */
export function gridAct(
  { key, shift = false, control = false }: GridKey,
  at: number,
  rows: number,
): GridAct | undefined {
  if (control) return key.toLowerCase() === "a" ? { do: "tickAll" } : undefined;
  const move = (to: number): GridAct | undefined =>
    rows === 0
      ? undefined
      : { do: "move", to: Math.min(rows - 1, Math.max(0, to)), ...(shift ? { ticking: true } : {}) };
  switch (key) {
    case "ArrowDown":
    case "j":
      return move(at + 1);
    case "ArrowUp":
    case "k":
      return move(at < 0 ? 0 : at - 1);
    case "PageDown":
      return move(at + PAGE_ROWS);
    case "PageUp":
      return move(at - PAGE_ROWS);
    case "Home":
      return move(0);
    case "End":
      return move(rows - 1);
    default:
      return actOfLetter(shift ? key : lower(key));
  }
}
