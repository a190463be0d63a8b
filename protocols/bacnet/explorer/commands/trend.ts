import { isMultiple, readCounts } from "../../client/trends/trend-logs.ts";
import { LogReader, type LogRow } from "../../client/trends/trend-reader.ts";
import { sequenceAfter } from "../../client/trends/trend-sequence.ts";
import { errorName, OBJECT_TYPES, PROPERTIES } from "../../codec/enums.ts";
import { objectIdWord } from "../../codec/values.ts";
import { objectOfText, objectText } from "../../discovery/object-text.ts";
import { readerOf, readFacts } from "../../discovery/scan.ts";
import { type CommandLine, instanceOf, usage } from "../command-line.ts";
import { csvText } from "../ede/csv.ts";
import { tableText } from "../table.ts";
import { FailedError, UsageError } from "../usage.ts";
import { valueText } from "../value-text.ts";
import { type Device, nameOf, type Workbench } from "../workbench.ts";

const DEFAULT_LAST = 100;
const MOST = 1_000_000;
/** Records read at a time while those since a moment are looked for. */
const CHUNK = 500;
/** A record of a TrendLogMultiple holds so many values at a guess: pages that are too large are halved. */
const VALUES = 4;
const MINUTE_MS = 60_000;
const COLUMNS = [{ title: "time (device)" }, { title: "value" }, { title: "flags" }] as const;
const FLAGS = ["inAlarm", "fault", "overridden", "outOfService"];
const LOG_STATUS = ["log disabled", "buffer purged", "log interrupted"];

/** Records of a log by time: the device's local time as if it were UTC, Unix ms. */
interface Span {
  readonly since: number;
  readonly until: number;
}

/** Shows records of a trend log. */
export async function trend(line: CommandLine, bench: Workbench): Promise<number> {
  const [deviceWord, logWord, more] = line.words;
  const instance = instanceOf(deviceWord);
  if (logWord === undefined) throw new UsageError("<trend-log> is missing, e.g. trend-log:1");
  if (more !== undefined) throw new UsageError(`expected one <trend-log>, got "${more}" as well`);
  const object = usage("<trend-log>", () => objectOfText(logWord));
  if (object.type !== OBJECT_TYPES["trend-log"] && !isMultiple(object)) {
    throw new UsageError(`<trend-log>: expected a trend-log or trend-log-multiple, got "${logWord}"`);
  }
  if (line.has("csv") && line.json) throw new UsageError("--csv and --json exclude each other");
  const last = line.number("last", 1, MOST);
  const [sinceWord, untilWord] = [line.option("since"), line.option("until")];
  const moments = [momentOf("--since", sinceWord), momentOf("--until", untilWord)];
  const device = await bench.find(instance);
  const [since, until] = await localTimes(moments, device, bench);
  const span = { since: since ?? Number.NEGATIVE_INFINITY, until: until ?? Number.POSITIVE_INFINITY };
  const wanted = last ?? (sinceWord === undefined && untilWord === undefined ? DEFAULT_LAST : MOST);
  const rows = await readRows(object, span, wanted, device, bench);
  if (line.json)
    bench.io.out(`${JSON.stringify({ device: instance, log: objectText(object), records: rows.map(plain) })}\n`);
  else if (line.has("csv")) bench.io.out(csvText([["time", "value", "flags"], ...rows.map(cells)], ","));
  else bench.io.out(tableText(COLUMNS, rows.map(cells)));
  return 0;
}

/** The newest `most` records in a span of time, oldest first. */
async function readRows(
  object: ReturnType<typeof objectOfText>,
  span: Span,
  most: number,
  device: Device,
  bench: Workbench,
): Promise<readonly LogRow[]> {
  const contact = readerOf(device.found, bench);
  const log = { object, sources: [], everyMs: 0, enabled: true };
  const counts = (await readCounts(contact, [log]))?.get(objectIdWord(object));
  if (counts === undefined) throw new FailedError(`${objectText(object)} of ${nameOf(device)} cannot be read`);
  const reader = new LogReader(contact, () => bench.counters.add("malformed"));
  const { count, total } = counts;
  const rows: LogRow[] = [];
  let back = 0;
  // from the newest back, so that a large log is not read to its beginning
  while (back < count && rows.length < most && !bench.signal.aborted) {
    const size = Math.min(CHUNK, count - back, Math.max(1, most - rows.length));
    const ahead = { count: count - back, total: sequenceAfter(total, -back) };
    const fromLocalMs = Math.max(0, span.since);
    const wanted = { object, counts: ahead, first: sequenceAfter(ahead.total, 1 - size), count: size, fromLocalMs };
    const reading = await reader.read(wanted, VALUES);
    if (reading.kind !== "read") {
      const why = reading.kind === "silent" ? "does not answer" : "gives no records of it by ReadRange";
      throw new FailedError(`${objectText(object)}: ${nameOf(device)} ${why}`);
    }
    const chunk = reading.rows.slice(0, size);
    rows.unshift(...chunk.filter(({ at = 0 }) => at >= span.since && at <= span.until));
    back += size;
    const oldest = chunk.find(({ at }) => at !== undefined)?.at;
    if (oldest !== undefined && oldest < span.since) break;
  }
  return rows.slice(-most);
}

/** Unix ms of a time, and whether it names its zone. */
type Moment = { readonly ms: number; readonly zoned: boolean } | undefined;

function momentOf(where: string, word: string | undefined): Moment {
  if (word === undefined) return undefined;
  const zoned = /(?:Z|[+-]\d\d:?\d\d)$/i.test(word);
  const timed = /[T ]\d/.test(word);
  const shape = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?$/i;
  const ms = shape.test(word) ? Date.parse(zoned || !timed ? word : `${word.replace(" ", "T")}Z`) : Number.NaN;
  if (Number.isFinite(ms)) return { ms, zoned };
  throw new UsageError(
    `${where}: expected a time, e.g. 2026-05-01 or 2026-05-01T08:00 or 2026-05-01T08:00+08:00, got "${word}"`,
  );
}

/** Moments as the device's local time; UTC_Offset is asked only where a zone is named. [BACnet 12.11.25] */
async function localTimes(
  moments: readonly Moment[],
  device: Device,
  bench: Workbench,
): Promise<readonly (number | undefined)[]> {
  const zoned = moments.some((moment) => moment?.zoned === true);
  const facts = zoned ? await readFacts(device.found, bench, [PROPERTIES.utcOffset]) : undefined;
  const offset = (facts?.utcOffsetMin ?? 0) * MINUTE_MS;
  return moments.map((moment) => (moment?.zoned === true ? moment.ms - offset : moment?.ms));
}

function timeOf({ at }: LogRow): string {
  return at === undefined ? "?" : new Date(at).toISOString().replace("T", " ").replace("Z", "");
}

type LoggedOne = Extract<LogRow["content"], { readonly type: "values" }>["value"][number];

function plainLogged(logged: LoggedOne): unknown {
  switch (logged.type) {
    case "failure":
      return { error: errorName(logged.value.errorClass, logged.value.errorCode) };
    case "any":
      return { any: logged.value.map((value) => valueText(NO_PLACE, value)) };
    case "raw":
      return { raw: valueText(NO_PLACE, logged.value) };
    case "real":
      return Number.isFinite(logged.value) ? logged.value : String(logged.value);
    case "bitString":
      return logged.value.map((bit) => (bit ? "1" : "0")).join("");
    default:
      return logged.value;
  }
}

const NO_PLACE = { object: { type: 0, instance: 0 }, property: PROPERTIES.logBuffer };

const set = (bits: readonly boolean[], names: readonly string[]): readonly string[] =>
  names.filter((_, bit) => bits[bit] === true);

function contentOf({ content }: LogRow): unknown {
  switch (content.type) {
    case "values": {
      const values = content.value.map(plainLogged);
      return values.length === 1 ? values[0] : values;
    }
    case "logStatus":
      return { logStatus: set(content.value, LOG_STATUS) };
    case "timeChange":
      return { timeChangeS: content.value };
    case "raw":
      return { raw: valueText(NO_PLACE, content.value) };
    default:
      return content satisfies never;
  }
}

function flagsOf({ content }: LogRow): readonly string[] {
  return content.type === "values" ? set(content.statusFlags ?? [], FLAGS) : [];
}

function cells(row: LogRow): readonly string[] {
  const content = contentOf(row);
  return [timeOf(row), typeof content === "string" ? content : JSON.stringify(content), flagsOf(row).join(" ")];
}

function plain(row: LogRow): unknown {
  return { at: timeOf(row), value: contentOf(row), flags: flagsOf(row) };
}
