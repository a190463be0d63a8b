import { CONFIRMED, errorName, PROPERTIES } from "../../codec/enums.ts";
import type { ObjectProperty, PropertyResult } from "../../codec/services/property.ts";
import { decodeReadPropertyMultipleAck, encodeReadPropertyMultiple } from "../../codec/services/property.ts";
import { readWanted } from "../../discovery/reading.ts";
import { readerOf } from "../../discovery/scan.ts";
import { type CommandLine, instanceOf, usage } from "../command-line.ts";
import { tableText } from "../table.ts";
import { targetOfText, targetText } from "../target-text.ts";
import { FailedError, UsageError } from "../usage.ts";
import { plainValue, valuesText } from "../value-text.ts";
import { type Device, nameOf, type Workbench } from "../workbench.ts";

type Read = ObjectProperty & { readonly result: PropertyResult };

/** Reads properties; 1 when one of them was refused. */
export async function read(line: CommandLine, bench: Workbench): Promise<number> {
  const [device, ...words] = line.words;
  const instance = instanceOf(device);
  if (words.length === 0) throw new UsageError("<object> is missing: expected at least one, e.g. ai:1 or ai:1.units");
  const targets = words.map((word) => usage("<object>", () => targetOfText(word)));
  const found = await bench.find(instance);
  const reads: Read[] = [];
  for (const target of targets) reads.push(...(await readTarget(target, found, bench)));
  if (line.json) bench.io.out(`${JSON.stringify({ device: instance, values: reads.map(plain) })}\n`);
  else bench.io.out(tableText([{ title: "property" }, { title: "value" }], reads.map(row)));
  return reads.some(({ result }) => "error" in result) ? 1 : 0;
}

/** What a device gives for a property; for ALL one entry a property. @throws BACNET_FAILED when it does not answer */
export async function readTarget(target: ObjectProperty, device: Device, bench: Workbench): Promise<readonly Read[]> {
  const { object, property, index } = target;
  const reference = { property, ...(index === undefined ? {} : { index }) };
  if (property === PROPERTIES.all) return readAll(target, device, bench);
  const reader = readerOf(device.found, bench);
  const { answers, complete } = await readWanted([{ object, properties: [reference] }], reader);
  const result = answers[0]?.results[0];
  if (!complete || result === undefined) throw new FailedError(`${nameOf(device)} does not answer`);
  return [{ ...target, result }];
}

/** By ALL; by the object's Property_List where the device cannot give all at once. [BACnet 15.7.3.2, 12.1.1.4.1] */
async function readAll(target: ObjectProperty, device: Device, bench: Workbench): Promise<readonly Read[]> {
  const { object } = target;
  const read = (result: PropertyResult): Read => ({ object, property: result.property, result });
  const body = encodeReadPropertyMultiple([{ object, properties: [{ property: PROPERTIES.all }] }]);
  try {
    const answer = await device.ask(CONFIRMED.readPropertyMultiple, body, targetText(target));
    return decodeReadPropertyMultipleAck(answer).flatMap(({ results }) => results.map(read));
  } catch (error) {
    if (!(error instanceof FailedError) || bench.signal.aborted) throw error;
    const listed = await readTarget({ object, property: PROPERTIES.propertyList }, device, bench);
    const numbers = listed.flatMap(({ result }) => ("values" in result ? result.values : []));
    const properties = numbers.flatMap((value) => (value.type === "enumerated" ? [{ property: value.value }] : []));
    // older devices have no such list: what they said to ALL is what the user is told
    if (properties.length === 0) throw error;
    const { answers } = await readWanted([{ object, properties }], readerOf(device.found, bench));
    return answers.flatMap(({ results }) => results.map(read));
  }
}

function row({ result, ...target }: Read): readonly string[] {
  if ("values" in result) return [targetText(target), valuesText(target, result.values)];
  return [targetText(target), `(${errorName(result.error.errorClass, result.error.errorCode)})`];
}

function plain({ result, ...target }: Read): unknown {
  const property = targetText(target);
  if ("error" in result) return { property, error: errorName(result.error.errorClass, result.error.errorCode) };
  const values = result.values.map((value) => plainValue(target, value));
  return { property, value: values.length === 1 ? values[0] : values };
}
