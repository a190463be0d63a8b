import type { DeviceFacts } from "../../discovery/device-facts.ts";
import { NAMING_PROPERTIES } from "../../discovery/device-facts.ts";
import { peerText } from "../../discovery/peer-text.ts";
import { readFacts } from "../../discovery/scan.ts";
import { type FoundDevice, HIGHEST_INSTANCE, searchDevices } from "../../discovery/search.ts";
import { type CommandLine, wholeNumber } from "../command-line.ts";
import { tableText } from "../table.ts";
import { UsageError } from "../usage.ts";
import type { Workbench } from "../workbench.ts";

const SEGMENTATION_NAMES = ["both", "transmit", "receive", "none"];
const COLUMNS = [
  { title: "device", right: true },
  { title: "address" },
  { title: "name", most: 40 },
  { title: "vendor", most: 30 },
  { title: "model", most: 30 },
  { title: "APDU", right: true },
  { title: "segments" },
] as const;

/** Lists the devices of a network. 1 when none answered. */
export async function whois(line: CommandLine, bench: Workbench): Promise<number> {
  const [low = 0, high = line.words.length === 1 ? low : HIGHEST_INSTANCE] = line.words.map((word, at) =>
    wholeNumber(at === 0 ? "<low>" : "<high>", word, 0, HIGHEST_INSTANCE),
  );
  if (line.words.length > 2) throw new UsageError(`expected at most <low> and <high>, got "${line.words[2]}"`);
  // one device needs no slices
  const slice =
    line.number("slice", 1, HIGHEST_INSTANCE) ?? (line.network.to === undefined ? undefined : HIGHEST_INSTANCE);
  const net = line.number("net", 1, 65_534);
  const waitMs = line.number("wait", 0, 600_000) ?? bench.timeoutMs;
  const { devices, problems } = await searchDevices(
    { to: bench.places(net), low, high, waitMs, ...(slice === undefined ? {} : { slice }) },
    bench,
  );
  const listed: (readonly [FoundDevice, DeviceFacts | undefined])[] = [];
  for (const device of devices) {
    if (bench.signal.aborted) break;
    listed.push([device, await readFacts(device, bench, NAMING_PROPERTIES)]);
  }
  const twice = devices.flatMap(({ instance, peer, alsoAt }) =>
    alsoAt.map(
      (other) => `device ${instance} answers at ${peerText(peer)} and at ${peerText(other)}: a duplicate instance`,
    ),
  );
  if (line.json) bench.io.out(`${JSON.stringify({ devices: listed.map(plain), problems: [...problems, ...twice] })}\n`);
  else {
    bench.io.out(tableText(COLUMNS, listed.map(row)));
    for (const problem of [...problems, ...twice]) bench.io.note(`${problem}\n`);
    bench.io.note(`${devices.length} devices\n`);
  }
  return devices.length === 0 ? 1 : 0;
}

function row([device, facts]: readonly [FoundDevice, DeviceFacts | undefined]): readonly string[] {
  return [
    String(device.instance),
    peerText(device.peer),
    facts === undefined ? "(does not answer)" : (facts.name ?? ""),
    facts?.vendorName ?? `vendor ${device.vendorId}`,
    facts?.modelName ?? "",
    String(device.maxApdu),
    SEGMENTATION_NAMES[device.segmentation] ?? String(device.segmentation),
  ];
}

function plain([device, facts]: readonly [FoundDevice, DeviceFacts | undefined]): unknown {
  const { instance, peer, alsoAt, maxApdu, segmentation, vendorId } = device;
  const { name, vendorName, modelName, description } = facts ?? {};
  return {
    instance,
    address: peerText(peer),
    alsoAt: alsoAt.map(peerText),
    maxApdu,
    segmentation: SEGMENTATION_NAMES[segmentation] ?? segmentation,
    vendorId,
    answers: facts !== undefined,
    name,
    vendorName,
    modelName,
    description,
  };
}
