import type { AddressSpace, Namespace, OPCUAServer, StatusCode, UAObject, Variant } from "node-opcua";
import type { SimulatedDevice } from "../../device.ts";
import { type ConditionContext, ConditionMemory, ServedCondition } from "./conditions.ts";
import { History } from "./history.ts";
import type { Library } from "./library.ts";
import { type MethodMapping, methodId, type OpcuaMapping, objectId } from "./mapping.ts";
import { ServedVariable, texts, type VariableContext } from "./variables.ts";

/** A device and how it is shown. */
export interface OpcuaServed {
  readonly device: SimulatedDevice;
  readonly mapping: OpcuaMapping;
}

/** What outlives a restart of the server: conditions and recorded values of each device. */
export class DeviceMemory {
  readonly #conditions = new Map<string, ConditionMemory>();
  readonly #histories = new Map<string, History>();

  conditions(device: string): ConditionMemory {
    const known = this.#conditions.get(device) ?? new ConditionMemory();
    this.#conditions.set(device, known);
    return known;
  }

  history(device: string, signal: string): History {
    const key = `${device}/${signal}`;
    const known = this.#histories.get(key) ?? new History();
    this.#histories.set(key, known);
    return known;
  }
}

/** What the address space of one server is built with. */
export interface SpaceOptions {
  readonly library: Library;
  readonly server: OPCUAServer;
  readonly namespaceUri: string;
  readonly served: readonly OpcuaServed[];
  readonly memory: DeviceMemory;
  readonly deviceNow: () => number;
  readonly statusOf: (signal: string) => StatusCode | undefined;
  readonly onAct: (device: string, detail: string) => void;
}

/** The devices of a server as its address space: an object each, with variables, conditions and methods. */
export class ServedSpace {
  readonly #variables: ServedVariable[] = [];
  readonly #conditions: ServedCondition[] = [];
  readonly #options: SpaceOptions;

  constructor(options: SpaceOptions) {
    this.#options = options;
    const { addressSpace } = options.server.engine;
    if (addressSpace === null) throw new Error("an initialised OPC UA server has an address space");
    addressSpace.installAlarmsAndConditionsService();
    const namespace = addressSpace.registerNamespace(options.namespaceUri);
    for (const served of options.served) this.#add(addressSpace, namespace, served);
  }

  /** Tells what has changed, or every value `anew`; values before the conditions that follow them. */
  scan(anew = false): void {
    for (const variable of this.#variables) variable.scan(anew);
    for (const condition of this.#conditions) condition.scan();
  }

  #add(addressSpace: AddressSpace, namespace: Namespace, { device, mapping }: OpcuaServed): void {
    const { library, deviceNow, statusOf, onAct, memory } = this.#options;
    const { objects } = addressSpace.rootFolder;
    const object = namespace.addObject({
      browseName: device.id,
      displayName: texts(library, device.name, device.nameEn),
      nodeId: `s=${objectId(device.id)}`,
      organizedBy: objects,
      eventSourceOf: objects.server,
      eventNotifier: 1,
    });
    const context: VariableContext = { library, namespace, deviceNow, statusOf };
    for (const signal of device.signals) {
      const history = mapping.history?.includes(signal.name) ? memory.history(device.id, signal.name) : undefined;
      this.#variables.push(new ServedVariable(context, device, object, signal, history));
    }
    for (const method of mapping.methods ?? []) this.#addMethod(namespace, device, object, method);
    const conditionContext: ConditionContext = { library, addressSpace, namespace, deviceNow, onAct };
    for (const condition of mapping.conditions ?? []) {
      const served = this.#variables.find(
        ({ signal, variable }) => signal.name === condition.signal && variable.parent === object,
      );
      if (served === undefined) throw new Error(`${device.id} has no signal ${condition.signal} for a condition`);
      const place = { object, input: served.variable };
      this.#conditions.push(
        new ServedCondition(conditionContext, device, place, condition, served.signal, memory.conditions(device.id)),
      );
    }
  }

  #addMethod(namespace: Namespace, device: SimulatedDevice, object: UAObject, mapping: MethodMapping): void {
    const { library, onAct } = this.#options;
    const { StatusCodes, DataType } = library;
    const { argument, name, signal } = mapping;
    const limits = device.signals.find((candidate) => candidate.name === signal);
    const method = namespace.addMethod(object, {
      browseName: name,
      nodeId: `s=${methodId(device.id, name)}`,
      inputArguments:
        argument === undefined ? [] : [{ name: argument.name, dataType: DataType[argument.dataType], valueRank: -1 }],
      outputArguments: [],
    });
    method.bindMethod(async (inputs: readonly Variant[], _context: unknown) => {
      const given = argument === undefined ? true : Number(inputs[0]?.value);
      const { min = -Infinity, max = Infinity } = limits ?? {};
      if (typeof given === "number" && !(given >= min && given <= max)) {
        return { statusCode: StatusCodes.BadOutOfRange };
      }
      onAct(device.id, `${name}${argument === undefined ? "" : ` ${given}`}`);
      device.write(signal, given);
      return { statusCode: StatusCodes.Good, outputArguments: [] };
    });
  }
}
