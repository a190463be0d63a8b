import type { ObjectId } from "../../codec/values.ts";
import type { EventDefinition } from "../events/definition.ts";

/** A value behind an object: analog a number (NaN: no value), binary a Boolean, multi-state a number from 1, text a string. */
export type PointValue = number | boolean | string;

/** Where the value of an input, output or value object comes from, and where a command goes. */
export interface PointSource {
  read(): PointValue;
  /** What the highest command asks for, or Relinquish_Default when none is left. Only called for commandable objects. */
  write(value: PointValue): void;
  /** BACnetReliability; when absent a number that is NaN is `no-sensor`. */
  reliability?(): number;
  /** State that the commanded equipment reports; for COMMAND_FAILURE of outputs. */
  feedback?(): PointValue;
}

/** One analog, binary, multi-state, character-string or accumulator object. */
export interface PointDefinition {
  readonly id: ObjectId;
  readonly name: string;
  readonly description: string;
  readonly source: PointSource;
  /** BACnetEngineeringUnits of an analog object or accumulator; no-units when absent. */
  readonly units?: number;
  readonly min?: number;
  readonly max?: number;
  /** Smallest change worth a COV notification; 0.1 when absent. */
  readonly covIncrement?: number;
  /** Inactive and active text of a binary object, or the texts of states 1..n. */
  readonly states?: readonly string[];
  /** Has a Priority_Array; outputs always have one. */
  readonly commandable: boolean;
  /** What the source reads when the object is made, where absent. */
  readonly relinquishDefault?: PointValue;
  readonly profileName?: string;
  /** Name-value tags of semantics. [BACnet 12.1.1.4.9, Tags] */
  readonly tags?: Readonly<Record<string, string>>;
  /** Intrinsic reporting; absent: the object has none. */
  readonly event?: EventDefinition;
}
