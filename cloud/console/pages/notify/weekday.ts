const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** The name of an ISO weekday, as a key of the texts. */
export function weekday(day: number): (typeof WEEKDAYS)[number] {
  return WEEKDAYS[day - 1] ?? "mon";
}
