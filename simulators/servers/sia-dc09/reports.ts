import type { SignalValue } from "../../device.ts";
import { BURGLAR_ZONES } from "../../devices/burglar-panel.ts";

/** How a panel words its reports. */
export type ReportFormat = "SIA-DCS" | "ADM-CID";

interface Wording {
  /** SIA codes of the beginning and the end. */
  readonly sia: readonly [string, string];
  /** Contact ID number. */
  readonly cid: string;
}

const HOLDUP_ZONES: ReadonlySet<string> = new Set(
  BURGLAR_ZONES.filter(({ kind }) => kind === "holdup").map(({ number }) => String(number)),
);
const PANEL: Readonly<Record<string, Wording>> = {
  "mains-fault": { sia: ["AT", "AR"], cid: "301" },
  "battery-low": { sia: ["YT", "YR"], cid: "302" },
  "panel-tamper": { sia: ["TA", "TR"], cid: "137" },
};

function zoneWording(zone: string, what: string | undefined): Wording {
  if (what === "tamper") return { sia: ["TA", "TR"], cid: "144" };
  if (what === "trouble") return { sia: ["BT", "BJ"], cid: "380" };
  return HOLDUP_ZONES.has(zone) ? { sia: ["HA", "HR"], cid: "122" } : { sia: ["BA", "BR"], cid: "130" };
}

const contactId = (begins: boolean, cid: string, number = "0"): string =>
  `${begins ? 1 : 3}${cid} 01 ${number.padStart(3, "0")}`;

/** The data of a report on a signal that has changed; undefined for signals a panel does not report. [SIA DC-03, DC-05] */
export function reportOf(signal: string, value: SignalValue, format: ReportFormat): string | undefined {
  const begins = value === true;
  if (signal === "armed") {
    // Contact ID tells a closing as the restore of an opening
    return format === "SIA-DCS" ? `Nri1/${begins ? "CL" : "OP"}1` : contactId(!begins, "401", "1");
  }
  const [, zone, what] = /^zone-(\d+)-(alarm|tamper|trouble)$/.exec(signal) ?? [];
  const wording = zone === undefined ? PANEL[signal] : zoneWording(zone, what);
  if (wording === undefined) return undefined;
  const [on, off] = wording.sia;
  if (format === "ADM-CID") return contactId(begins, wording.cid, zone);
  return `Nri1/${begins ? on : off}${zone ?? ""}`;
}

/** A periodic test report. */
export function testReport(format: ReportFormat): string {
  return format === "SIA-DCS" ? "NRP0" : "1602 00 000";
}
