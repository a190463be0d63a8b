import type { Report } from "./codec/content.ts";

/** What a report is about. */
export type ReportClass =
  | "alarm"
  | "tamper"
  | "trouble"
  | "bypass"
  | "arm"
  | "mains"
  | "battery"
  | "panic"
  | "duress"
  | "test"
  | "access"
  | "other";

/** What a report means. `state`: does it begin or end? Absent for what has no end. */
export interface Meaning {
  readonly class: ReportClass;
  readonly state?: boolean;
  /** Category of the alarm that it is. */
  readonly category?: "intrusion" | "fire" | "panic" | "tamper" | "equipment" | "access" | "system";
}

type Category = Meaning["category"];

const meaning = (of: ReportClass, state?: boolean, category?: Category): Meaning => ({
  class: of,
  ...(state === undefined ? {} : { state }),
  ...(category === undefined ? {} : { category }),
});

/** Alarm, its restores, trouble, its restores, bypass and its end, tamper of one letter of SIA DC-03. */
function family(letter: string, category: Category, of: ReportClass = "alarm"): [string, Meaning][] {
  return [
    [`${letter}A`, meaning(of, true, category)],
    [`${letter}R`, meaning(of, false, category)],
    [`${letter}H`, meaning(of, false, category)],
    [`${letter}T`, meaning("trouble", true, "equipment")],
    [`${letter}J`, meaning("trouble", false, "equipment")],
    [`${letter}B`, meaning("bypass", true)],
    [`${letter}U`, meaning("bypass", false)],
  ];
}

/** Two-letter codes of SIA DC-03-1990.01 annex A, those that a park's panels send. */
const SIA: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ...family("B", "intrusion"),
  ...family("F", "fire"),
  ...family("G", "fire"),
  ...family("K", "fire"),
  ...family("S", "fire"),
  ...family("W", "equipment"),
  ...family("Z", "equipment"),
  ...family("M", "panic"),
  ...family("Q", "panic"),
  ...family("U", "intrusion"),
  ...family("P", "panic", "panic"),
  ...family("H", "panic", "panic"),
  ["BV", meaning("alarm", true, "intrusion")],
  ["BM", meaning("alarm", true, "intrusion")],
  ["BC", meaning("other")],
  ["BX", meaning("test")],
  ["BZ", meaning("trouble", true, "equipment")],
  ["EA", meaning("alarm", true, "intrusion")],
  ["FX", meaning("test")],
  ["NA", meaning("trouble", true, "equipment")],
  ["TA", meaning("tamper", true, "tamper")],
  ["TR", meaning("tamper", false, "tamper")],
  ["TB", meaning("bypass", true)],
  ["TU", meaning("bypass", false)],
  ["ES", meaning("tamper", true, "tamper")],
  ["EJ", meaning("tamper", false, "tamper")],
  ["XS", meaning("tamper", true, "tamper")],
  ["XJ", meaning("tamper", false, "tamper")],
  ["JA", meaning("tamper", true, "tamper")],
  ["AT", meaning("mains", true, "system")],
  ["AR", meaning("mains", false, "system")],
  ["YT", meaning("battery", true, "system")],
  ["YM", meaning("battery", true, "system")],
  ["YR", meaning("battery", false, "system")],
  ["XT", meaning("trouble", true, "equipment")],
  ["XR", meaning("trouble", false, "equipment")],
  ["YC", meaning("trouble", true, "system")],
  ["YS", meaning("trouble", true, "system")],
  ["YK", meaning("trouble", false, "system")],
  ["ET", meaning("trouble", true, "equipment")],
  ["ER", meaning("trouble", false, "equipment")],
  ["CL", meaning("arm", true)],
  ["CA", meaning("arm", true)],
  ["CF", meaning("arm", true)],
  ["CG", meaning("arm", true)],
  ["CP", meaning("arm", true)],
  ["CQ", meaning("arm", true)],
  ["CS", meaning("arm", true)],
  ["NL", meaning("arm", true)],
  ["OP", meaning("arm", false)],
  ["OA", meaning("arm", false)],
  ["OG", meaning("arm", false)],
  ["OQ", meaning("arm", false)],
  ["OR", meaning("arm", false)],
  ["OS", meaning("arm", false)],
  ["RP", meaning("test")],
  ["RX", meaning("test")],
  ["TX", meaning("test")],
  ["RR", meaning("other")],
  ["DF", meaning("access", true, "access")],
  ["DN", meaning("access", true, "access")],
  ["DG", meaning("access")],
  ["DD", meaning("access")],
  ["DH", meaning("access", false, "access")],
  ["DR", meaning("access", false, "access")],
]);

interface Span {
  readonly from: number;
  readonly to: number;
  readonly class: ReportClass;
  readonly category?: Category;
}

/** Contact ID events by their numbers. The first that fits counts. [SIA DC-05 annex A] */
const CONTACT_ID: readonly Span[] = [
  { from: 121, to: 121, class: "duress", category: "panic" },
  { from: 120, to: 129, class: "panic", category: "panic" },
  { from: 100, to: 109, class: "alarm", category: "panic" },
  { from: 110, to: 118, class: "alarm", category: "fire" },
  { from: 137, to: 137, class: "tamper", category: "tamper" },
  { from: 144, to: 145, class: "tamper", category: "tamper" },
  { from: 130, to: 149, class: "alarm", category: "intrusion" },
  { from: 151, to: 151, class: "alarm", category: "fire" },
  { from: 150, to: 169, class: "alarm", category: "equipment" },
  { from: 200, to: 299, class: "trouble", category: "fire" },
  { from: 301, to: 301, class: "mains", category: "system" },
  { from: 302, to: 302, class: "battery", category: "system" },
  { from: 309, to: 311, class: "battery", category: "system" },
  { from: 341, to: 341, class: "tamper", category: "tamper" },
  { from: 383, to: 383, class: "tamper", category: "tamper" },
  { from: 350, to: 359, class: "trouble", category: "system" },
  { from: 300, to: 399, class: "trouble", category: "equipment" },
  { from: 406, to: 406, class: "other" },
  { from: 421, to: 422, class: "access" },
  { from: 423, to: 426, class: "access", category: "access" },
  { from: 454, to: 458, class: "other" },
  { from: 400, to: 409, class: "arm" },
  { from: 441, to: 442, class: "arm" },
  { from: 570, to: 579, class: "bypass" },
  { from: 600, to: 609, class: "test" },
];

/** What a report means. One that is not in the tables is `other`: it is kept and acknowledged like any other. */
export function meaningOf(report: Report): Meaning {
  if (report.format === "SIA-DCS") return SIA.get(report.code) ?? { class: "other" };
  const code = Number(report.code);
  const span = CONTACT_ID.find(({ from, to }) => code >= from && code <= to);
  if (span === undefined) return { class: "other" };
  const category = span.category === undefined ? {} : { category: span.category };
  if (span.class === "test" || span.class === "other") return { class: span.class };
  const begins = report.qualifier !== "restore";
  // Contact ID tells a closing as the restore of an opening [SIA DC-05 annex A, 400]
  return { class: span.class, state: span.class === "arm" ? !begins : begins, ...category };
}
