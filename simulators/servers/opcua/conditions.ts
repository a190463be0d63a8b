import type { AddressSpace, Namespace, UAAlarmConditionEx, UAObject, UAVariable } from "node-opcua";
import type { Signal, SimulatedDevice } from "../../device.ts";
import type { Library } from "./library.ts";
import { type ConditionMapping, conditionId } from "./mapping.ts";

/** What a condition is, kept by the device and not by its server: a restarted server tells the same. Times are Unix ms. */
interface Kept {
  active: boolean;
  acknowledged: boolean;
  confirmed: boolean;
  time: number;
}

const MAX_SHELVED_MS = 86_400_000;

/** Memory of the conditions of one device, by signal. */
export class ConditionMemory {
  readonly #kept = new Map<string, Kept>();

  of(signal: string): Kept {
    const known = this.#kept.get(signal);
    if (known !== undefined) return known;
    const fresh = { active: false, acknowledged: true, confirmed: true, time: 0 };
    this.#kept.set(signal, fresh);
    return fresh;
  }
}

/** What the conditions of a server share. */
export interface ConditionContext {
  readonly library: Library;
  readonly addressSpace: AddressSpace;
  readonly namespace: Namespace;
  readonly deviceNow: () => number;
  /** Told of what an operator did through the wire. */
  readonly onAct: (device: string, detail: string) => void;
}

/**
 * A condition of one branch: active with its signal; retained until it is neither active nor waits for an acknowledgement or a
 * confirmation; acknowledged and confirmed anew for each activation. [OPC 10000-9 §5.5, §5.7, §5.8]
 */
export class ServedCondition {
  readonly #context: ConditionContext;
  readonly #device: SimulatedDevice;
  readonly #mapping: ConditionMapping;
  readonly #signal: Signal;
  readonly #kept: Kept;
  readonly #alarm: UAAlarmConditionEx;

  constructor(
    context: ConditionContext,
    device: SimulatedDevice,
    place: { readonly object: UAObject; readonly input: UAVariable },
    mapping: ConditionMapping,
    signal: Signal,
    memory: ConditionMemory,
  ) {
    this.#context = context;
    this.#device = device;
    this.#mapping = mapping;
    this.#signal = signal;
    this.#kept = memory.of(signal.name);
    const { addressSpace, namespace } = context;
    this.#alarm = namespace.instantiateAlarmCondition("AlarmConditionType", {
      browseName: `${signal.name}-condition`,
      nodeId: `s=${conditionId(device.id, signal.name)}`,
      componentOf: place.object,
      conditionOf: place.object,
      conditionSource: place.object,
      conditionName: signal.name,
      conditionClass: addressSpace.findObjectType(mapping.conditionClass),
      inputNode: place.input,
      optionals: ["ConfirmedState", "Confirm", ...(mapping.shelving === true ? ["ShelvingState"] : [])],
      ...(mapping.shelving === true ? { maxTimeShelved: MAX_SHELVED_MS } : {}),
    });
    const { DataType } = context.library;
    this.#alarm.sourceName.setValueFromSource({ dataType: DataType.String, value: device.name });
    this.#restore();
    this.#alarm.on("acknowledged", (_event, comment) => {
      this.#kept.acknowledged = true;
      this.#kept.confirmed = false;
      this.#acted("acknowledged", comment.text);
    });
    this.#alarm.on("confirmed", (_event, comment) => {
      this.#kept.confirmed = true;
      this.#acted("confirmed", comment.text);
      // the library lets go of what is confirmed, active or not
      if (this.#kept.active) this.#raise();
    });
  }

  /** Follows the signal. */
  scan(): void {
    const active = this.#device.read(this.#mapping.signal) === true;
    if (active === this.#kept.active) return;
    this.#kept.active = active;
    this.#kept.time = this.#context.deviceNow();
    const branch = this.#alarm.currentBranch();
    if (active) {
      this.#kept.acknowledged = false;
      this.#kept.confirmed = true;
      branch.setAckedState(false);
      branch.setConfirmedState(true);
    }
    branch.setActiveState(active);
    this.#raise();
  }

  #retain(): boolean {
    return this.#kept.active || !this.#kept.acknowledged || !this.#kept.confirmed;
  }

  #message(): { readonly locale: string; readonly text: string } {
    const [normal = ["", ""], abnormal = ["", ""]] = this.#signal.states ?? [];
    const [state] = this.#kept.active ? abnormal : normal;
    return { locale: "zh-CN", text: `${this.#signal.label}：${state}` };
  }

  #raise(): void {
    const time = new Date(this.#kept.time);
    this.#alarm.raiseNewCondition({
      message: this.#message(),
      severity: this.#mapping.severity,
      quality: this.#context.library.StatusCodes.Good,
      retain: this.#retain(),
      time,
      receiveTime: time,
    });
  }

  #restore(): void {
    const branch = this.#alarm.currentBranch();
    branch.setAckedState(this.#kept.acknowledged);
    branch.setConfirmedState(this.#kept.confirmed);
    branch.setActiveState(this.#kept.active);
    branch.setRetain(this.#retain());
    branch.setMessage(this.#message());
    branch.setSeverity(this.#mapping.severity);
    branch.setTime(new Date(this.#kept.time));
    branch.setReceiveTime(new Date(this.#kept.time));
    // a refresh repeats the event that told the state: one without an id could not be acknowledged [OPC 10000-9 §5.5.2, §5.7.3]
    if (this.#retain()) branch.renewEventId();
  }

  #acted(what: string, comment: string | null | undefined): void {
    const said = comment === null || comment === undefined || comment === "" ? "" : `: ${comment}`;
    this.#context.onAct(this.#device.id, `${this.#mapping.signal} ${what}${said}`);
  }
}
