import { readFileSync, writeFileSync } from "node:fs";
import type { Discovery } from "#core/contracts/discovery.ts";
import { errorMessage } from "#core/errors.ts";
import { unitByBacnet } from "#core/units.ts";
import { compareScans, type ScanChanges } from "../../discovery/compare.ts";
import type { FoundObject } from "../../discovery/object-details.ts";
import { objectText } from "../../discovery/object-text.ts";
import { deviceOf, pointsOf } from "../../discovery/point-list.ts";
import { type DeviceScan, scanDevice } from "../../discovery/scan.ts";
import { isScan } from "../../discovery/scan-file.ts";
import { type CommandLine, instanceOf } from "../command-line.ts";
import { pointTable } from "../point-table.ts";
import { tableText } from "../table.ts";
import { FailedError, UsageError } from "../usage.ts";
import type { Workbench } from "../workbench.ts";

const COLUMNS = [
  { title: "object" },
  { title: "name", most: 40 },
  { title: "description", most: 40 },
  { title: "unit" },
  { title: "states", most: 40 },
  { title: "cmd" },
  { title: "class", right: true },
] as const;

/** Reads a device's objects; 1 when it fell silent on the way. */
export async function scan(line: CommandLine, bench: Workbench): Promise<number> {
  const [word, more] = line.words;
  if (more !== undefined) throw new UsageError(`expected one <device>, got "${more}" as well`);
  const instance = instanceOf(word);
  const file = line.option("earlier");
  const earlier = file === undefined ? undefined : readScan(file);
  const { found } = await bench.find(instance);
  const scanned = await scanDevice(found, scanDepsOf(bench));
  const changes = earlier === undefined ? undefined : compareScans(earlier, scanned);
  const out = line.option("out");
  if (out !== undefined) writeFile(out, `${JSON.stringify(scanned, null, 2)}\n`);
  const discovery = { ...discoveryOf([scanned]), ...(changes === undefined ? {} : { changes }) };
  if (line.has("points")) show(bench, line, discovery, () => pointTable(discovery.points));
  else show(bench, line, changes === undefined ? scanned : { ...scanned, changes }, () => objectTable(scanned.objects));
  if (!line.json && changes !== undefined) bench.io.out(changesText(changes));
  for (const problem of scanned.problems) bench.io.note(`${problem}\n`);
  return scanned.complete ? 0 : 1;
}

/** A workbench with progress on the terminal. */
export function scanDepsOf(bench: Workbench): Parameters<typeof scanDevice>[1] {
  const { station, clock, counters, signal, io } = bench;
  let told = 0;
  const progress = (done: number, of: number): void => {
    // a line each tenth of a large device
    if (of < 200 || (done - told < of / 10 && done < of)) return;
    told = done;
    io.note(`${done} of ${of} objects\n`);
  };
  return { station, clock, counters, signal, progress };
}

/** Scans as the hub's discovery. */
function discoveryOf(scans: readonly DeviceScan[]): Discovery {
  return {
    at: Math.max(0, ...scans.map(({ at }) => at)),
    devices: scans.map(deviceOf),
    points: scans.flatMap(pointsOf),
    problems: scans.flatMap(({ problems }) => problems),
  };
}

/** Writes a file that the user named. @throws BACNET_FAILED */
export function writeFile(file: string, content: string | Uint8Array): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    throw new FailedError(`${file} cannot be written: ${errorMessage(error)}`);
  }
}

function readScan(file: string): DeviceScan {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UsageError(`--earlier: ${file} cannot be read: ${errorMessage(error)}`);
  }
  if (!isScan(content)) throw new UsageError(`--earlier: expected in ${file} what scan --out wrote`);
  return content;
}

function show(bench: Workbench, line: CommandLine, json: unknown, table: () => string): void {
  bench.io.out(line.json ? `${JSON.stringify(json)}\n` : table());
}

function objectTable(objects: readonly FoundObject[]): string {
  const rows = objects.map(({ object, name, description, units, states, commandable, notificationClass }) => [
    objectText(object),
    name,
    description ?? "",
    units === undefined ? "" : unitByBacnet(units).id,
    states?.join(" | ") ?? "",
    commandable ? "yes" : "",
    notificationClass === undefined ? "" : String(notificationClass),
  ]);
  return tableText(COLUMNS, rows);
}

function changesText({ added, missing, renamed, changed }: ScanChanges): string {
  const lines = [
    ...added.map((object) => `new      ${object}`),
    ...missing.map((object) => `missing  ${object}`),
    ...renamed.map(({ object, before, after }) => `renamed  ${object}: ${before} -> ${after}`),
    ...changed.map(({ object, before, after }) => `changed  ${object}: ${before} -> ${after}`),
  ];
  return `\n${lines.length === 0 ? "nothing is new, missing, renamed or changed" : lines.join("\n")}\n`;
}
