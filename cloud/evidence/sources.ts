import type { AlarmDetail } from "#core/contracts/alarms.ts";
import type { AuditEntry } from "#core/contracts/audit.ts";
import type { CommandView } from "#core/contracts/commands.ts";
import type { EvidenceGap } from "#core/contracts/evidence.ts";
import type { RunView } from "#core/contracts/runs.ts";
import { deviceOf, type PointId } from "#core/ids.ts";
import type { ChainedEntry } from "#core/journal-chain.ts";
import type { ChainedRecord, JournalService } from "../journal-ports.ts";
import type { BlobStore } from "../media-ports.ts";
import type { AlarmService, AuditLog, RunService, SiteCatalog } from "../ports.ts";
import type { HistoryService } from "../telemetry-ports.ts";

/** Where the parts of a pack come from. */
export interface EvidenceSources {
  readonly alarms: Pick<AlarmService, "get">;
  readonly journal: Pick<JournalService, "chained" | "head">;
  readonly runs: Pick<RunService, "run">;
  /** Commands made in a time, oldest first; Unix ms. */
  readonly commands: (from: number, to: number, limit: number) => readonly CommandView[];
  readonly audit: Pick<AuditLog, "append" | "about">;
  readonly history: Pick<HistoryService, "samples">;
  readonly catalog: Pick<SiteCatalog, "site" | "timeZone" | "points" | "point" | "device" | "spaces">;
  readonly blobs: Pick<BlobStore, "find" | "read">;
  /** What people did by a procedure, newest first; any JSON. */
  readonly procedures: (alarm: string) => readonly unknown[];
}

/** What a pack tells of an alarm. */
export interface AlarmFacts {
  readonly alarm: AlarmDetail;
  readonly journal: readonly ChainedRecord[];
  readonly runs: readonly RunView[];
  readonly commands: readonly CommandView[];
  readonly audit: readonly AuditEntry[];
  readonly procedures: readonly unknown[];
  /** Points whose trends are in the pack, that of the alarm first. */
  readonly points: readonly string[];
  /** Time of the trends, Unix ms. */
  readonly from: number;
  readonly to: number;
}

const BEFORE_MS = 10 * 60_000;
const AFTER_MS = 30 * 60_000;
/** Points of a device whose trends are told. */
const MOST_POINTS = 50;
const MOST_COMMANDS = 10_000;
const MOST_AUDIT = 1000;

/** All that is known of an alarm at `now`, Unix ms, but values and pictures. What there is no room for is named in `missing`. */
export function factsOf(sources: EvidenceSources, alarm: AlarmDetail, now: number, missing: EvidenceGap[]): AlarmFacts {
  const raisedAt = Date.parse(alarm.raisedAt);
  const from = raisedAt - BEFORE_MS;
  const to = Math.min(now, raisedAt + AFTER_MS);
  const runs = alarm.runs.flatMap((id) => sources.runs.run(id) ?? []);
  const audit = sources.audit.about(alarm.id, MOST_AUDIT);
  if (audit.length >= MOST_AUDIT) missing.push({ what: "audit", why: "truncated" });
  const points = pointsOf(sources, alarm);
  if (points.length > MOST_POINTS) missing.push({ what: "trends", why: "truncated" });
  return {
    alarm,
    journal: sources.journal.chained(alarm.id),
    runs,
    commands: commandsOf(sources, alarm, runs, { from, to, missing }),
    audit,
    procedures: sources.procedures(alarm.id),
    points: points.slice(0, MOST_POINTS),
    from,
    to,
  };
}

/** Commands of the rules that the alarm started, and of whoever else moved its point or device meanwhile. */
function commandsOf(
  { commands }: EvidenceSources,
  alarm: AlarmDetail,
  runs: readonly RunView[],
  { from, to, missing }: { readonly from: number; readonly to: number; readonly missing: EvidenceGap[] },
): readonly CommandView[] {
  const rules = new Set(runs.map(({ rule }) => `rule:${rule}`));
  const device = deviceOfAlarm(alarm);
  const touches = (command: CommandView): boolean =>
    rules.has(command.requestedBy) ||
    (command.point !== undefined && command.point === alarm.point) ||
    (device !== undefined && (command.device === device || command.point?.startsWith(`${device}/`) === true));
  const made = commands(from, to, MOST_COMMANDS);
  if (made.length >= MOST_COMMANDS) missing.push({ what: "commands", why: "truncated" });
  return made.filter(touches);
}

function deviceOfAlarm(alarm: AlarmDetail): string | undefined {
  return alarm.device ?? (alarm.point === undefined ? undefined : deviceOf(alarm.point as PointId));
}

function pointsOf({ catalog }: EvidenceSources, alarm: AlarmDetail): readonly string[] {
  const own = alarm.point !== undefined && catalog.point(alarm.point) !== undefined ? [alarm.point] : [];
  const device = deviceOfAlarm(alarm);
  const others = device === undefined ? [] : catalog.points().filter(({ id }) => id.startsWith(`${device}/`));
  return [...own, ...others.map(({ id }) => id).filter((id) => id !== alarm.point)];
}

/** The clock of each gateway that told something, as it was when it told it last. */
export function clockOffsetsOf(
  entries: readonly ChainedEntry[],
  origin: string,
): readonly { readonly source: string; readonly offsetMs: number }[] {
  const told = entries.findLast(({ clock_offset_ms: offset }) => offset !== null);
  return told?.clock_offset_ms === null || told === undefined
    ? []
    : [{ source: origin, offsetMs: told.clock_offset_ms }];
}
