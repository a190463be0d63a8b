/** What a key asks of the alarm list. */
export type GridAct =
  | { readonly do: "move"; readonly to: number }
  | { readonly do: "tick" | "acknowledge" | "reset" | "search" | "untick" };

/** Rows that Page Up and Page Down pass. */
const PAGE_ROWS = 12;

/** The act of a key, for `rows` rows with the cursor at `at` (-1 for none); undefined for a key that is not ours. */
export function gridAct(key: string, at: number, rows: number): GridAct | undefined {
  const move = (to: number): GridAct | undefined =>
    rows === 0 ? undefined : { do: "move", to: Math.min(rows - 1, Math.max(0, to)) };
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
    case " ":
      return { do: "tick" };
    case "a":
      return { do: "acknowledge" };
    case "r":
      return { do: "reset" };
    case "/":
      return { do: "search" };
    case "Escape":
      return { do: "untick" };
    default:
      return undefined;
  }
}
