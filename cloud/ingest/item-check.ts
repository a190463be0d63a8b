import { Compile, type Validator } from "typebox/compile";
import {
  AlarmItem,
  CertificatesItem,
  ClipItem,
  CommandResultItem,
  ConfigAppliedItem,
  DeviceEventItem,
  GapItem,
  type LaneItem,
  NotifyItem,
  OpenAlarmsItem,
  RunItem,
  SnapshotItem,
} from "#core/contracts/lanes.ts";

const KINDS: Readonly<Record<LaneItem["kind"], Validator>> = {
  alarm: Compile(AlarmItem),
  openAlarms: Compile(OpenAlarmsItem),
  deviceEvent: Compile(DeviceEventItem),
  commandResult: Compile(CommandResultItem),
  run: Compile(RunItem),
  snapshot: Compile(SnapshotItem),
  clip: Compile(ClipItem),
  certificates: Compile(CertificatesItem),
  gap: Compile(GapItem),
  configApplied: Compile(ConfigAppliedItem),
  notify: Compile(NotifyItem),
};
const CHECKS: ReadonlyMap<string, Validator> = new Map(Object.entries(KINDS));

/** An item as it may be applied, or why it cannot. */
export type CheckedItem =
  | { readonly ok: true; readonly item: LaneItem }
  | { readonly ok: false; readonly code: "ITEM_KIND_UNKNOWN" | "ITEM_INVALID"; readonly reason: string };

/** Checks one item against the schema of its kind. Unknown fields are kept; an unknown kind comes from a newer gateway. */
export function checkItem(item: Readonly<Record<string, unknown>>): CheckedItem {
  const kind = item["kind"];
  const check = typeof kind === "string" ? CHECKS.get(kind) : undefined;
  if (check === undefined)
    return { ok: false, code: "ITEM_KIND_UNKNOWN", reason: `kind ${JSON.stringify(kind)?.slice(0, 80)} is not known` };
  if (check.Check(item)) return { ok: true, item: item as LaneItem };
  const [first] = check.Errors(item);
  return { ok: false, code: "ITEM_INVALID", reason: `${kind} item: ${first?.instancePath || "/"} ${first?.message}` };
}
