import type { DataValue, LocalizedText, Namespace, StatusCode, UAObject, UAVariable, Variant } from "node-opcua";
import { unitById } from "#core/units.ts";
import { UNECE_NAMESPACE, unitIdOf } from "#protocols/opcua/codec/units.ts";
import type { Signal, SignalValue, SimulatedDevice } from "../../device.ts";
import type { History } from "./history.ts";
import type { Library } from "./library.ts";
import { enumIndex, rangeOf, variableId } from "./mapping.ts";

/** What the variables of a server share. */
export interface VariableContext {
  readonly library: Library;
  readonly namespace: Namespace;
  /** The device's own clock, Unix ms. */
  readonly deviceNow: () => number;
  /** StatusCode that a fault gives the signal; undefined: Good. */
  readonly statusOf: (signal: string) => StatusCode | undefined;
}

/** Both languages of the site. */
export function texts(library: Library, zh: string, en: string): LocalizedText[] {
  return [
    new library.LocalizedText({ locale: "zh-CN", text: zh }),
    new library.LocalizedText({ locale: "en", text: en }),
  ];
}

/** A signal as a variable: DataItem types with unit, range and state texts, and the time at which the value was seen to change. */
export class ServedVariable {
  readonly signal: Signal;
  readonly variable: UAVariable;
  readonly #context: VariableContext;
  readonly #device: SimulatedDevice;
  #current: DataValue;
  #value: SignalValue;
  #status: StatusCode | undefined;

  constructor(context: VariableContext, device: SimulatedDevice, parent: UAObject, signal: Signal, history?: History) {
    this.signal = signal;
    this.#context = context;
    this.#device = device;
    this.#value = device.read(signal.name);
    this.#current = this.#dataValue();
    this.variable = this.#add(parent);
    const set = signal.writable ? { timestamped_set: (given: DataValue) => this.#write(given.value) } : {};
    // a state variable comes bound to its initial value
    this.variable.bindVariable({ timestamped_get: () => this.#current, ...set }, true);
    if (history !== undefined) {
      this.variable.addressSpace.installHistoricalDataNode(this.variable, { historian: history });
    }
    this.#tell();
  }

  /** Tells what has changed since the last look; `anew`: the value with the time it now is as well. */
  scan(anew = false): void {
    const value = this.#device.read(this.signal.name);
    const status = this.#context.statusOf(this.signal.name);
    if (!anew && value === this.#value && status === this.#status) return;
    this.#value = value;
    this.#status = status;
    this.#current = this.#dataValue();
    this.#tell();
  }

  #tell(): void {
    const { value, statusCode, sourceTimestamp } = this.#current;
    this.variable.setValueFromSource(value, statusCode, sourceTimestamp ?? undefined);
  }

  #dataValue(): DataValue {
    const { library, deviceNow } = this.#context;
    const at = new Date(deviceNow());
    return new library.DataValue({
      value: this.#variant(),
      statusCode: this.#status ?? library.StatusCodes.Good,
      sourceTimestamp: at,
      serverTimestamp: at,
    });
  }

  #variant(): Variant {
    const { DataType, Variant } = this.#context.library;
    switch (this.signal.kind) {
      case "boolean":
        return new Variant({ dataType: DataType.Boolean, value: this.#value === true });
      case "enum":
        return new Variant({ dataType: DataType.UInt32, value: enumIndex(Number(this.#value)) });
      case "string":
        return new Variant({ dataType: DataType.String, value: String(this.#value) });
      case "number":
        return this.signal.unit === undefined
          ? new Variant({ dataType: DataType.UInt32, value: Math.max(0, Math.round(Number(this.#value))) })
          : new Variant({ dataType: DataType.Double, value: Number(this.#value) });
      default:
        return this.signal.kind satisfies never;
    }
  }

  #write({ value }: Variant): Promise<StatusCode> {
    const { StatusCodes } = this.#context.library;
    const { kind, states = [], name } = this.signal;
    const { low, high } = kind === "enum" ? { low: 0, high: states.length - 1 } : rangeOf(this.signal);
    if (kind === "number" || kind === "enum") {
      if (!Number.isFinite(value) || value < low || value > high) return Promise.resolve(StatusCodes.BadOutOfRange);
      this.#device.write(name, kind === "enum" ? Number(value) + 1 : Number(value));
    } else {
      this.#device.write(name, kind === "boolean" ? value === true : String(value));
    }
    this.scan();
    return Promise.resolve(StatusCodes.Good);
  }

  #add(parent: UAObject): UAVariable {
    const { library, namespace } = this.#context;
    const { name, label, labelEn, kind, states = [], writable, unit } = this.signal;
    const common = {
      browseName: name,
      displayName: texts(library, label, labelEn),
      nodeId: `s=${variableId(this.#device.id, name)}`,
      componentOf: parent,
      accessLevel: library.makeAccessLevelFlag(writable ? "CurrentRead | CurrentWrite" : "CurrentRead"),
      userAccessLevel: library.makeAccessLevelFlag(writable ? "CurrentRead | CurrentWrite" : "CurrentRead"),
      minimumSamplingInterval: 0,
    };
    if (kind === "boolean") {
      const [falseState = ["", ""], trueState = ["", ""]] = states;
      return namespace.addTwoStateDiscrete({ ...common, falseState: falseState[0], trueState: trueState[0] });
    }
    if (kind === "enum") {
      return namespace.addMultiStateDiscrete({ ...common, enumStrings: states.map(([zh]) => zh), value: 0 });
    }
    if (kind === "string") return namespace.addVariable({ ...common, dataType: "String" });
    if (unit === undefined) return namespace.addVariable({ ...common, dataType: "UInt32" });
    return namespace.addAnalogDataItem({
      ...common,
      dataType: "Double",
      engineeringUnitsRange: rangeOf(this.signal),
      engineeringUnits: euInformation(unit),
    });
  }
}

/** EUInformation of a canonical unit; unitId -1 where UNECE has no code for it. [OPC 10000-8 §5.6.3] */
function euInformation(unit: string): {
  readonly namespaceUri: string;
  readonly unitId: number;
  readonly displayName: string;
  readonly description: string;
} {
  const symbol = unitById(unit)?.symbol ?? unit;
  return { namespaceUri: UNECE_NAMESPACE, unitId: unitIdOf(unit) ?? -1, displayName: symbol, description: unit };
}
