import { OBJECT_TYPES, PROPERTIES } from "../codec/enums.ts";
import type { PropertyReference, PropertyResult } from "../codec/services/property.ts";
import type { BacnetValue } from "../codec/values.ts";
import type { Abilities } from "./abilities.ts";
import type { PropertyReader } from "./polling.ts";

/** What a look at the Device object told. `silent`: it did not answer. `changed`: its objects are others now. */
export type Pulse = "silent" | "steady" | "restarted" | "changed";

const MODEL = [PROPERTIES.modelName, PROPERTIES.firmwareRevision, PROPERTIES.applicationSoftwareVersion] as const;
const SIGNS = [PROPERTIES.systemStatus, PROPERTIES.databaseRevision, PROPERTIES.timeOfDeviceRestart] as const;

/**
 * The cheap sign of life of a device, for all its points at once: its Device object says that it answers, when it restarted and
 * whether its objects changed. [BACnet 12.11.35, 12.11.45]
 */
export class Vitals {
  readonly #reader: PropertyReader;
  readonly #abilities: Abilities;
  readonly #instance: number;
  readonly #absent = new Set<number>();
  #asked = false;
  #restart: string | undefined;

  constructor(reader: PropertyReader, instance: number, abilities: Abilities) {
    this.#reader = reader;
    this.#instance = instance;
    this.#abilities = abilities;
  }

  /** Does the device tell when it restarted? Not known before the first `take`. */
  get tellsRestarts(): boolean {
    return this.#restart !== undefined;
  }

  /** What the device told last of when it had started, comparable only. [BACnet 12.11.45] */
  get startedAt(): string | undefined {
    return this.#restart;
  }

  /** Looks once. */
  async take(): Promise<Pulse> {
    const first = !this.#asked;
    const wanted = [...SIGNS, ...(first ? MODEL : [])].filter((property) => !this.#absent.has(property));
    const object = { type: OBJECT_TYPES.device, instance: this.#instance };
    const properties = (wanted.length === 0 ? [PROPERTIES.systemStatus] : wanted).map(
      (property): PropertyReference => ({ property }),
    );
    const answers = await this.#reader.read([{ object, properties }]);
    if (answers === undefined) return "silent";
    this.#asked = true;
    const results = new Map(answers.flatMap((answer) => answer.results.map((result) => [result.property, result])));
    for (const [property, result] of results) if ("error" in result) this.#absent.add(property);
    const restarted = this.#restarted(results.get(PROPERTIES.timeOfDeviceRestart));
    const changed = this.#abilities.identified(modelOf(results), databaseRevisionOf(results));
    if (restarted) return "restarted";
    return changed && !first ? "changed" : "steady";
  }

  #restarted(result: PropertyResult | undefined): boolean {
    if (result === undefined || "error" in result) return false;
    const before = this.#restart;
    this.#restart = JSON.stringify(result.values);
    return before !== undefined && before !== this.#restart;
  }
}

type Results = ReadonlyMap<number, PropertyResult>;

function singleOf(results: Results, property: number): BacnetValue | undefined {
  const result = results.get(property);
  return result !== undefined && "values" in result ? result.values[0] : undefined;
}

function modelOf(results: Results): string | undefined {
  const texts = MODEL.map((property) => singleOf(results, property));
  if (texts.every((text) => text === undefined)) return undefined;
  return texts.map((text) => (text?.type === "characterString" ? text.value : "")).join(" | ");
}

function databaseRevisionOf(results: Results): number | undefined {
  const value = singleOf(results, PROPERTIES.databaseRevision);
  return value?.type === "unsigned" ? value.value : undefined;
}
