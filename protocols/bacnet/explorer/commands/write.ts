import { encodedFor } from "../../client/map.ts";
import { CONFIRMED, PROPERTIES } from "../../codec/enums.ts";
import { encodeWriteProperty, type PropertyResult } from "../../codec/services/property.ts";
import type { BacnetValue } from "../../codec/values.ts";
import { objectIdWord } from "../../codec/values.ts";
import { readWanted } from "../../discovery/reading.ts";
import { byObject, type Results, valuesOf } from "../../discovery/results.ts";
import { readerOf } from "../../discovery/scan.ts";
import { type CommandLine, instanceOf, usage } from "../command-line.ts";
import { tableText } from "../table.ts";
import { targetOfText, targetText } from "../target-text.ts";
import { FailedError, UsageError } from "../usage.ts";
import { type PropertyPlace, plainValue, valueOfText, valuesText } from "../value-text.ts";
import { nameOf, type Workbench } from "../workbench.ts";
import { readTarget } from "./read.ts";

const LEVELS = 16;

/** Writes a property and shows it with its priority array. */
export async function write(line: CommandLine, bench: Workbench): Promise<number> {
  const [deviceWord, objectWord, valueWord, more] = line.words;
  const instance = instanceOf(deviceWord);
  if (objectWord === undefined || valueWord === undefined) {
    throw new UsageError("expected <device> <object> <value>, e.g. 1001 av:1 21.5");
  }
  if (more !== undefined) throw new UsageError(`expected one <value>, got "${more}" as well: put it into quotes`);
  const target = usage("<object>", () => targetOfText(objectWord));
  const priority = line.number("priority", 1, LEVELS);
  const device = await bench.find(instance);
  const [before] = await readTarget(target, device, bench);
  const current = before === undefined ? undefined : currentOf(before.result);
  const value = usage("<value>", () =>
    encodedFor({ ...target, cov: false }, valueOfText(target, valueWord, current), current),
  );
  const body = encodeWriteProperty({ ...target, values: [value], ...(priority === undefined ? {} : { priority }) });
  await device.ask(CONFIRMED.writeProperty, body, `write of ${targetText(target)} at ${nameOf(device)}`);
  const { object, property, index } = target;
  const properties = [
    { property, ...(index === undefined ? {} : { index }) },
    ...(property === PROPERTIES.presentValue ? [{ property: PROPERTIES.priorityArray }] : []),
  ];
  const { answers, complete } = await readWanted([{ object, properties }], readerOf(device.found, bench));
  if (!complete) throw new FailedError(`${nameOf(device)} took the value and then did not answer`);
  const results = byObject(answers).get(objectIdWord(object)) ?? new Map<number, PropertyResult>();
  if (line.json) bench.io.out(`${JSON.stringify(plain(target, results, priority))}\n`);
  else bench.io.out(shown(target, results));
  return 0;
}

function currentOf(result: PropertyResult): BacnetValue | undefined {
  return "values" in result ? result.values[0] : undefined;
}

function plain(target: PropertyPlace, results: Results, priority: number | undefined): unknown {
  const [now] = valuesOf(results, target.property);
  const slots = valuesOf(results, PROPERTIES.priorityArray);
  return {
    property: targetText(target),
    value: now === undefined ? null : plainValue(target, now),
    ...(priority === undefined ? {} : { priority }),
    ...(slots.length === 0 ? {} : { priorityArray: slots.map((slot) => plainValue(target, slot)) }),
  };
}

function shown(target: PropertyPlace, results: Results): string {
  const now = `${targetText(target)} = ${valuesText(target, valuesOf(results, target.property))}\n`;
  const slots = valuesOf(results, PROPERTIES.priorityArray);
  if (slots.length === 0) return now;
  const held = slots.flatMap((slot, at) =>
    slot.type === "null" ? [] : [[String(at + 1), valuesText(target, [slot])]],
  );
  if (held.length === 0) return `${now}no priority holds it\n`;
  return `${now}\n${tableText([{ title: "priority", right: true }, { title: "value" }], held)}`;
}
