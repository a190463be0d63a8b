import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Discovery } from "#core/contracts/discovery.ts";
import { errorMessage } from "#core/errors.ts";
import { pointsOf } from "../../discovery/point-list.ts";
import { type DeviceScan, scanDevice } from "../../discovery/scan.ts";
import { type CommandLine, instanceOf } from "../command-line.ts";
import { decodeText } from "../ede/encoding.ts";
import { edeFilesOf } from "../ede/export.ts";
import { type Ede, type NamedText, readEde } from "../ede/import.ts";
import { baseOf, COMPANIONS, type Companion, plainTitle } from "../ede/layout.ts";
import { pointTable } from "../point-table.ts";
import { FailedError, UsageError } from "../usage.ts";
import type { ExplorerIo, Workbench } from "../workbench.ts";
import { scanDepsOf, writeFile } from "./scan.ts";

const MOST_BYTES = 64 * 1024 * 1024;
const BOM = "\ufeff";
const NON_ASCII = /[^\0-\x7f]/;

/** Scans devices and writes them as EDE files; 1 when one of them fell silent. */
export async function edeExport(line: CommandLine, bench: Workbench): Promise<number> {
  const out = line.option("out");
  if (out === undefined) throw new UsageError("--out <file.csv> is missing: where the EDE file is to be written");
  const instances = line.words.map(instanceOf);
  if (instances.length === 0) throw new UsageError("<device> is missing: expected at least one device instance");
  const scans: DeviceScan[] = [];
  for (const instance of instances) {
    const { found } = await bench.find(instance);
    scans.push(await scanDevice(found, scanDepsOf(bench)));
  }
  const files = edeFilesOf(scans, {
    project: line.option("project") ?? "",
    author: line.option("author") ?? "Parkhub",
    at: bench.clock.now(),
    separator: line.has("comma") ? "," : ";",
  });
  const base = baseOf(out);
  const written = [
    [out, files.ede],
    ...(["states", "units", "types"] as const).map(
      (kind) => [`${base}${COMPANIONS[kind].suffix}`, files[kind]] as const,
    ),
  ] as const;
  // spreadsheets take a file without the mark for one in the code page of the machine
  for (const [file, text] of written) writeFile(file, NON_ASCII.test(text) ? `${BOM}${text}` : text);
  const problems = scans.flatMap((scan) => scan.problems);
  const objects = scans.reduce((sum, scan) => sum + scan.objects.length, 0);
  if (line.json) {
    const { io } = bench;
    io.out(`${JSON.stringify({ files: written.map(([file]) => file), devices: instances, objects, problems })}\n`);
  } else
    bench.io.out(`${objects} objects of ${scans.length} devices\n${written.map(([file]) => `${file}\n`).join("")}`);
  for (const problem of problems) bench.io.note(`${problem}\n`);
  return scans.every(({ complete }) => complete) ? 0 : 1;
}

/** Reads an EDE file and gives its points. */
export function edeImport(line: CommandLine, io: ExplorerIo): number {
  const [file, more] = line.words;
  if (file === undefined) throw new UsageError("<file.csv> is missing: expected an EDE file");
  if (more !== undefined) throw new UsageError(`expected one <file.csv>, got "${more}" as well`);
  const companion = (kind: Companion): { readonly [K in Companion]?: NamedText } => {
    const named = line.option(kind) ?? besides(file, kind);
    return named === undefined ? {} : { [kind]: readText(named) };
  };
  const ede = readEde({ ede: readText(file), ...companion("states"), ...companion("units"), ...companion("types") });
  const found = discoveriesOf(ede, io.clock.now());
  if (line.json) io.out(`${JSON.stringify(found)}\n`);
  else
    for (const { devices, points } of found)
      io.out(`${devices.map(({ name }) => name).join()}\n\n${pointTable(points)}\n`);
  for (const warning of ede.warnings) io.note(`${warning}\n`);
  return 0;
}

/** What an EDE file says, in the hub's words: one discovery a device. */
function discoveriesOf({ devices }: Ede, at: number): readonly Discovery[] {
  return devices.map(({ instance, name, objects }) => ({
    at,
    devices: [{ identity: String(instance), name: name ?? `BACnet ${instance}`, config: { instance } }],
    points: [...pointsOf({ instance, objects })],
    problems: [],
  }));
}

function readText(file: string): NamedText {
  try {
    const { size } = statSync(file);
    if (size > MOST_BYTES) throw new FailedError(`${file} has ${size} bytes: expected at most ${MOST_BYTES}`);
    return { file, text: decodeText(readFileSync(file)) };
  } catch (error) {
    if (error instanceof FailedError) throw error;
    throw new FailedError(`${file} cannot be read: ${errorMessage(error)}`);
  }
}

/** The file of a kind that lies beside an EDE file, whatever the tool calls it. */
function besides(file: string, kind: Companion): string | undefined {
  const folder = dirname(file);
  const base = plainTitle(basename(baseOf(file)));
  const wanted = COMPANIONS[kind].also.map((name) => `${base}${name}`);
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw new FailedError(`${folder} cannot be read: ${errorMessage(error)}`);
  }
  const found = names.find(
    (name) => /\.(?:csv|txt)$/i.test(name) && wanted.includes(plainTitle(name.replace(/\.\w+$/, ""))),
  );
  return found === undefined ? undefined : join(folder, found);
}
