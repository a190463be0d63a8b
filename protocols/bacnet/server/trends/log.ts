import { ERROR_CLASS, ERROR_CODE, PROPERTIES } from "../../codec/enums.ts";
import { typedValue } from "../../codec/property-values.ts";
import type { LogStatus } from "../../codec/services/log-records.ts";
import { type BacnetDateTime, dateTime, UNSPECIFIED_DATE_TIME } from "../../codec/timestamp.ts";
import type { ObjectId } from "../../codec/values.ts";
import type { DeviceClock } from "../device-clock.ts";
import type { TransitionSink } from "../events/reporter.ts";
import {
  bits,
  boolean,
  enumerated,
  identity,
  optional,
  type Property,
  type PropertyEntry,
  propertyError,
  type RangedItems,
  required,
  type ServedObject,
  single,
  singleOf,
  text,
  unsigned,
} from "../object.ts";
import { writesOne } from "../writing.ts";
import { BufferReady, type BufferReadyDefinition } from "./buffer-ready.ts";
import { LogBuffer } from "./log-buffer.ts";

/** What all logs have. */
export interface LogDefinition {
  readonly instance: number;
  readonly name: string;
  readonly description: string;
  /** Records kept. */
  readonly bufferSize: number;
  /** Records each change beyond the COV_Increment, or a value each so many ms. */
  readonly logs: "changes" | { readonly everyMs: number };
  /** Stops instead of overwriting the oldest; false when absent. */
  readonly stopWhenFull?: boolean;
  /** Logs from the start; true when absent. */
  readonly enabled?: boolean;
  readonly bufferReady?: BufferReadyDefinition;
}

/** What a log needs of its device. */
export interface LogDeps {
  readonly clock: DeviceClock;
  readonly device: () => ObjectId;
  readonly transitions: TransitionSink;
}

/** What a kind of log records. `R` has no time stamp: the buffer keeps it, much smaller. */
export interface Recorded<R> {
  /** What is logged, as it is now. */
  sample(): R;
  /** Has it changed since the last sample by as much as is logged? Asked only of logs of changes. */
  changed(): boolean;
  /** What happened to the log itself. */
  status(status: LogStatus): R;
  /** The device's clock was set by so many seconds. */
  timeChange(seconds: number): R;
  /** A record as encoded, with the time at which it was made. */
  encode(record: R, timestamp: BacnetDateTime): Uint8Array;
  /** Properties that say what is logged. */
  readonly sources: readonly PropertyEntry[];
}

const POLLED = 0;
const COV = 1;
const MAX_BUFFER = 1_000_000;
const CANNOT_READ = { errorClass: ERROR_CLASS.property, errorCode: ERROR_CODE.readAccessDenied };

/** A TrendLog or TrendLogMultiple: its buffer, when it records, and its properties. [BACnet 12.25, 12.30] */
export class Log<R> implements ServedObject {
  readonly id: ObjectId;
  readonly name: string;
  readonly properties: ReadonlyMap<number, Property>;
  /** BUFFER_READY reporting; undefined where it has none. */
  readonly events: BufferReady | undefined;
  readonly #clock: DeviceClock;
  readonly #recorded: Recorded<R>;
  readonly #definition: LogDefinition;
  readonly #buffer: LogBuffer<R>;
  #enabled: boolean;
  #stopWhenFull: boolean;
  #everyMs: number;
  #start = UNSPECIFIED_DATE_TIME;
  #stop = UNSPECIFIED_DATE_TIME;
  #slot: number | undefined;

  constructor(id: ObjectId, definition: LogDefinition, recorded: Recorded<R>, deps: LogDeps) {
    this.id = id;
    this.name = definition.name;
    this.#clock = deps.clock;
    this.#definition = definition;
    this.#recorded = recorded;
    this.#buffer = new LogBuffer(definition.bufferSize);
    this.#enabled = definition.enabled ?? true;
    this.#stopWhenFull = definition.stopWhenFull ?? false;
    this.#everyMs = definition.logs === "changes" ? 0 : definition.logs.everyMs;
    const { bufferReady } = definition;
    this.events =
      bufferReady === undefined ? undefined : new BufferReady(id, deps.device, bufferReady, deps.transitions);
    this.properties = new Map([...this.#table(), ...(this.events?.properties() ?? [])]);
  }

  /** Records what is due. */
  scan(): void {
    if (this.#everyMs === 0) {
      if (this.#logging() && this.#recorded.changed()) this.#add(this.#recorded.sample());
      return;
    }
    // aligned to the device's clock, as controllers do [BACnet 12.25.19]
    const slot = Math.floor(this.#clock.now() / this.#everyMs);
    if (slot === this.#slot) return;
    const first = this.#slot === undefined;
    this.#slot = slot;
    if (!first && this.#logging()) this.#add(this.#recorded.sample());
  }

  /** The device's clock was set by so many ms. */
  clockSet(movedMs: number): void {
    if (this.#enabled) this.#add(this.#recorded.timeChange(movedMs / 1000));
  }

  /** Power came back; `cold`: the buffer was lost. */
  restarted(cold: boolean): void {
    this.#slot = undefined;
    if (cold) this.#buffer.clear();
    if (this.#enabled) this.#add(this.#recorded.status([false, cold, true]));
  }

  #logging(): boolean {
    if (!this.#enabled || (this.#stopWhenFull && this.#buffer.full)) return false;
    const now = this.#clock.now();
    const start = this.#clock.unixMsOf(this.#start);
    const stop = this.#clock.unixMsOf(this.#stop);
    return (start === undefined || now >= start) && (stop === undefined || now < stop);
  }

  #add(record: R): void {
    const sequence = this.#buffer.add(this.#clock.now(), record);
    this.events?.added(sequence);
  }

  #enable(enabled: boolean): void {
    if (enabled === this.#enabled) return;
    this.#enabled = enabled;
    this.#slot = undefined;
    // [BACnet 12.25.14] that logging ended or began is itself recorded, whether enabled or not
    this.#add(this.#recorded.status([!enabled, false, false]));
  }

  #purge(): void {
    this.#buffer.purge();
    this.#add(this.#recorded.status([!this.#enabled, true, false]));
  }

  #range(): RangedItems {
    const buffer = this.#buffer;
    return {
      length: buffer.count,
      sequenceOf: (index) => buffer.at(index)?.sequence ?? 0,
      timeOf: (index) => buffer.at(index)?.at ?? 0,
      item: (index) => {
        const kept = buffer.at(index);
        return kept === undefined ? new Uint8Array() : this.#recorded.encode(kept.record, this.#clock.local(kept.at));
      },
    };
  }

  #table(): readonly PropertyEntry[] {
    return [
      ...identity(this.id, this.name),
      optional(PROPERTIES.description, () => single(text(this.#definition.description))),
      ...this.#control(),
      ...this.#recorded.sources,
      ...this.#state(),
    ];
  }

  #control(): readonly PropertyEntry[] {
    const time = (property: number, get: () => BacnetDateTime, set: (value: BacnetDateTime) => void): PropertyEntry =>
      optional(
        property,
        () => singleOf(dateTime, get()),
        ({ values }) => {
          const [day, clock] = values;
          if (day?.type !== "date" || clock?.type !== "time" || values.length > 2) {
            return propertyError(ERROR_CODE.invalidDataType);
          }
          set(typedValue(dateTime, values));
          return undefined;
        },
      );
    return [
      required(
        PROPERTIES.enable,
        () => single(boolean(this.#enabled)),
        writesOne("boolean", (value) => {
          this.#enable(value);
          return undefined;
        }),
      ),
      time(
        PROPERTIES.startTime,
        () => this.#start,
        (value) => {
          this.#start = value;
        },
      ),
      time(
        PROPERTIES.stopTime,
        () => this.#stop,
        (value) => {
          this.#stop = value;
        },
      ),
      required(
        PROPERTIES.stopWhenFull,
        () => single(boolean(this.#stopWhenFull)),
        writesOne("boolean", (value) => {
          this.#stopWhenFull = value;
          return undefined;
        }),
      ),
      required(PROPERTIES.loggingType, () => single(enumerated(this.#everyMs === 0 ? COV : POLLED))),
      // hundredths of a second [BACnet 12.25.9]
      optional(
        PROPERTIES.logInterval,
        () => single(unsigned(Math.round(this.#everyMs / 10))),
        writesOne("unsigned", (value) => {
          this.#everyMs = value * 10;
          this.#slot = undefined;
          return undefined;
        }),
      ),
      optional(PROPERTIES.alignIntervals, () => single(boolean(true))),
      optional(PROPERTIES.intervalOffset, () => single(unsigned(0))),
    ];
  }

  #state(): readonly PropertyEntry[] {
    return [
      required(
        PROPERTIES.bufferSize,
        () => single(unsigned(this.#buffer.size)),
        writesOne("unsigned", (value) => {
          if (this.#enabled) return ERROR_CODE.writeAccessDenied;
          if (value < 1 || value > MAX_BUFFER) return ERROR_CODE.valueOutOfRange;
          this.#buffer.resize(value);
          return undefined;
        }),
      ),
      [PROPERTIES.logBuffer, { required: true, read: () => CANNOT_READ, range: () => this.#range() }],
      required(
        PROPERTIES.recordCount,
        () => single(unsigned(this.#buffer.count)),
        // [BACnet 12.25.15] 0 purges the buffer
        writesOne("unsigned", (value) => {
          if (value !== 0) return ERROR_CODE.valueOutOfRange;
          this.#purge();
          return undefined;
        }),
      ),
      required(PROPERTIES.totalRecordCount, () => single(unsigned(this.#buffer.total))),
      required(PROPERTIES.statusFlags, () => single(bits([false, false, false, false]))),
      required(PROPERTIES.eventState, () => single(enumerated(0))),
      optional(PROPERTIES.reliability, () => single(enumerated(0))),
    ];
  }
}
