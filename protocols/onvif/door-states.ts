import type { DoorInfo, DoorStateTexts } from "./codec/doors.ts";
import type { Notification } from "./codec/notification.ts";
import { CONFIG_ERROR, good, NO_VALUE, type PointValue } from "./point-values.ts";
import { DOOR_SIGNALS, DOOR_STATES, type DoorSignal } from "./vocabulary.ts";

/** A change of a door that is an event of the hub. */
export interface DoorEdge {
  readonly kind: "doorForced" | "doorHeldOpen" | "doorTamper" | "doorFault";
  readonly door: string;
  readonly state: boolean;
  /** True where it was learnt from a repetition or a poll: it happened while nobody listened. */
  readonly recovered: boolean;
  readonly sourceTime: number | undefined;
}

/** States in which each kind of door event holds. */
const ALARMS: readonly { readonly kind: DoorEdge["kind"]; readonly signal: DoorSignal; readonly text: string }[] = [
  { kind: "doorForced", signal: "doorAlarm", text: "DoorForcedOpen" },
  { kind: "doorHeldOpen", signal: "doorAlarm", text: "DoorOpenTooLong" },
  { kind: "doorTamper", signal: "doorTamper", text: "TamperDetected" },
  { kind: "doorFault", signal: "doorFault", text: "FaultDetected" },
];

const TOPIC = "tns1:Door/State/";

/** `DoorMode` of a topic or an answer as the signal `doorMode`; undefined where the hub has no signal for it. */
function signalOf(name: string): DoorSignal | undefined {
  const wanted = name.charAt(0).toLowerCase() + name.slice(1);
  return DOOR_SIGNALS.find((signal) => signal === wanted);
}

interface Known {
  readonly text: string;
  readonly sourceTime: number | undefined;
  /** False where the controller could not tell it since. Its alarm goes on: an end that was never told would be one never cleared. */
  readonly believed: boolean;
}

interface DoorRecord {
  info: DoorInfo;
  readonly states: Map<DoorSignal, Known>;
  /** Counts changes by events, so that an older answer to a poll does not undo one. */
  changes: number;
}

/** What holds at the doors of one controller, by its events and by polls. Only doors that the controller lists. */
export class DoorStates {
  readonly #doors = new Map<string, DoorRecord>();

  /** Replaces the list; what is known of a door that stays is kept. */
  list(doors: readonly DoorInfo[]): void {
    const listed = new Set(doors.map(({ token }) => token));
    for (const token of this.#doors.keys()) if (!listed.has(token)) this.#doors.delete(token);
    for (const info of doors) {
      const known = this.#doors.get(info.token);
      if (known === undefined) this.#doors.set(info.token, { info, states: new Map(), changes: 0 });
      else known.info = info;
    }
  }

  get tokens(): readonly string[] {
    return [...this.#doors.keys()];
  }

  info(door: string): DoorInfo | undefined {
    return this.#doors.get(door)?.info;
  }

  /** Mode of a door as the controller writes it; undefined where it is not known. */
  mode(door: string): string | undefined {
    const known = this.#doors.get(door)?.states.get("doorMode");
    return known?.believed === true ? known.text : undefined;
  }

  /** Number of changes told by events; see `polled`. */
  changes(door: string): number {
    return this.#doors.get(door)?.changes ?? 0;
  }

  /** Takes in tns1:Door/State/*; undefined where it is of no door listed or of no signal. */
  notified(notification: Notification): readonly DoorEdge[] | undefined {
    if (!notification.topic.startsWith(TOPIC)) return undefined;
    const signal = signalOf(notification.topic.slice(TOPIC.length));
    const text = notification.data.get("State");
    const door = notification.source.get("DoorToken");
    const known = door === undefined ? undefined : this.#doors.get(door);
    if (signal === undefined || text === undefined || door === undefined || known === undefined) return undefined;
    known.changes++;
    return this.#take(door, known, signal, {
      text,
      recovered: notification.operation === "Initialized",
      sourceTime: notification.utcTime,
    });
  }

  /** Takes in an answer to GetDoorState, unless events have changed the door since `changesBefore`. */
  polled(door: string, states: DoorStateTexts, changesBefore: number): readonly DoorEdge[] {
    const known = this.#doors.get(door);
    if (known === undefined || known.changes !== changesBefore) return [];
    return [...states].flatMap(([name, text]) => {
      const signal = signalOf(name);
      if (signal === undefined) return [];
      return this.#take(door, known, signal, { text, recovered: true, sourceTime: undefined });
    });
  }

  /** The controller refuses to tell the state of a door: nothing of it is known for now. */
  unknown(door: string): void {
    const states = this.#doors.get(door)?.states;
    for (const [signal, known] of states ?? []) states?.set(signal, { ...known, believed: false });
  }

  value(door: string | undefined, signal: DoorSignal): PointValue {
    const record = door === undefined ? undefined : this.#doors.get(door);
    if (record === undefined) return CONFIG_ERROR;
    const known = record.states.get(signal);
    if (known?.believed !== true) return NO_VALUE;
    const index = (DOOR_STATES[signal] as readonly string[]).indexOf(known.text);
    if (index < 0) return NO_VALUE;
    return { ...good(index), ...(known.sourceTime === undefined ? {} : { sourceTime: known.sourceTime }) };
  }

  #take(
    door: string,
    record: DoorRecord,
    signal: DoorSignal,
    told: { readonly text: string; readonly recovered: boolean; readonly sourceTime: number | undefined },
  ): readonly DoorEdge[] {
    const known = record.states.get(signal);
    const before = known?.text;
    if (before === told.text && known?.believed === true) return [];
    record.states.set(signal, { text: told.text, sourceTime: told.sourceTime, believed: true });
    return ALARMS.filter((alarm) => alarm.signal === signal)
      .filter(({ text }) => (before === text) !== (told.text === text))
      .map(({ kind, text }) => ({
        kind,
        door,
        state: told.text === text,
        recovered: told.recovered,
        sourceTime: told.sourceTime,
      }));
  }
}
