import { acknowledge } from "../../client/alarms/alarm-acknowledge.ts";
import { type EventRow, readEventList } from "../../client/alarms/alarm-information.ts";
import type { KnownEvent } from "../../client/alarms/known-event.ts";
import { eventStateName, PROPERTIES } from "../../codec/enums.ts";
import type { BacnetTimeStamp } from "../../codec/timestamp.ts";
import { type ObjectId, objectIdWord } from "../../codec/values.ts";
import { objectOfText, objectText } from "../../discovery/object-text.ts";
import { readWanted } from "../../discovery/reading.ts";
import { byObject, sameObject, textOf } from "../../discovery/results.ts";
import { readerOf, readFacts } from "../../discovery/scan.ts";
import { type CommandLine, instanceOf, usage } from "../command-line.ts";
import { tableText } from "../table.ts";
import { FailedError, UsageError } from "../usage.ts";
import { dateTimeText, timeText } from "../value-text.ts";
import { type Device, nameOf, type Workbench } from "../workbench.ts";

const PROCESS_ID = 1;
const TRANSITION_NAMES = ["off-normal", "fault", "normal"];
const COLUMNS = [
  { title: "object" },
  { title: "name", most: 40 },
  { title: "state" },
  { title: "to acknowledge" },
  { title: "last off-normal" },
  { title: "priority", right: true },
] as const;

/** Lists what is in alarm, and acknowledges it. */
export async function alarms(line: CommandLine, bench: Workbench): Promise<number> {
  const [word, more] = line.words;
  if (more !== undefined) throw new UsageError(`expected one <device>, got "${more}" as well`);
  const instance = instanceOf(word);
  const ack = line.option("ack");
  const wanted = ack === undefined || ack === "all" ? undefined : usage("--ack", () => objectOfText(ack));
  const device = await bench.find(instance);
  const before = await read(device, bench);
  const chosen =
    ack === undefined ? [] : before.filter(({ object }) => wanted === undefined || sameObject(object, wanted));
  if (wanted !== undefined && chosen.length === 0) {
    throw new FailedError(
      `${objectText(wanted)} of ${nameOf(device)} is not in alarm and waits for no acknowledgement`,
    );
  }
  const refused = await acknowledgeAll(chosen, line.option("by") ?? "Parkhub", device, bench);
  const rows = ack === undefined ? before : await read(device, bench);
  const names = await namesOf(rows, device, bench);
  if (line.json)
    bench.io.out(`${JSON.stringify({ device: instance, alarms: rows.map((row) => plain(row, names)), refused })}\n`);
  else
    bench.io.out(
      tableText(
        COLUMNS,
        rows.map((row) => cells(row, names)),
      ),
    );
  for (const message of refused) bench.io.note(`${message}\n`);
  return refused.length === 0 ? 0 : 1;
}

async function read(device: Device, bench: Workbench): Promise<readonly EventRow[]> {
  const list = await readEventList(readerOf(device.found, bench), bench.counters);
  switch (list.kind) {
    case "told":
      return list.rows;
    case "unsupported":
      throw new FailedError(`${nameOf(device)} knows neither GetEventInformation nor GetAlarmSummary`);
    case "silent":
      throw new FailedError(`${nameOf(device)} does not answer`);
    case "failed":
      throw new FailedError(`${nameOf(device)} refused to tell its alarms`);
    default:
      return list satisfies never;
  }
}

async function acknowledgeAll(
  rows: readonly EventRow[],
  by: string,
  device: Device,
  bench: Workbench,
): Promise<readonly string[]> {
  if (rows.length === 0) return [];
  const contact = readerOf(device.found, bench);
  const facts = await readFacts(device.found, bench, [PROPERTIES.utcOffset]);
  const who = { processId: PROCESS_ID, by, now: bench.clock.now(), utcOffsetMin: facts?.utcOffsetMin ?? 0 };
  const refused: string[] = [];
  for (const { object, state, acked, stamps = [] } of rows) {
    const known: KnownEvent = { object, state, acked, stamps, witnessed: [], states: [] };
    const { result } = await acknowledge(contact, known, who);
    if (result.status !== "done") refused.push(result.message);
  }
  return refused;
}

type Names = ReadonlyMap<number, string>;

async function namesOf(rows: readonly EventRow[], device: Device, bench: Workbench): Promise<Names> {
  const properties = [{ property: PROPERTIES.objectName }];
  const wanted = rows.map(({ object }): { object: ObjectId; properties: typeof properties } => ({
    object,
    properties,
  }));
  const { answers } = await readWanted(wanted, readerOf(device.found, bench));
  return new Map([...byObject(answers)].map(([word, results]) => [word, textOf(results, PROPERTIES.objectName) ?? ""]));
}

const waiting = ({ acked }: EventRow): readonly string[] =>
  TRANSITION_NAMES.filter((_, transition) => acked[transition] === false);

function stampText(stamp: BacnetTimeStamp | undefined): string {
  switch (stamp?.type) {
    case "dateTime":
      return dateTimeText(stamp.value);
    case "time":
      return timeText(stamp.value);
    case "sequenceNumber":
      return `#${stamp.value}`;
    default:
      return "";
  }
}

function cells(row: EventRow, names: Names): readonly string[] {
  const { object, state, stamps = [], priorities = [] } = row;
  return [
    objectText(object),
    names.get(objectIdWord(object)) ?? "",
    eventStateName(state),
    waiting(row).join(", "),
    stampText(stamps[0]),
    priorities[0] === undefined ? "" : String(priorities[0]),
  ];
}

function plain(row: EventRow, names: Names): unknown {
  const { object, state, stamps = [], priorities = [] } = row;
  return {
    object: objectText(object),
    name: names.get(objectIdWord(object)) ?? "",
    state: eventStateName(state),
    toAcknowledge: waiting(row),
    timeStamps: stamps.map(stampText),
    priorities,
  };
}
