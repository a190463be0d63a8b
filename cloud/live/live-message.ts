import { Ajv } from "ajv";
import { type Static, Type } from "typebox";
import { LiveKind } from "#core/contracts/live.ts";
import type { LiveChange } from "../ports.ts";

/*
 * What processes tell each other on one channel of Redis. Redis delivers at most once and to whoever listens now: numbers
 * without gaps are how a listener knows that it has missed something.
 */

const Change = Type.Object({
  kind: LiveKind,
  id: Type.String({ minLength: 1, maxLength: 1000 }),
  space: Type.Optional(Type.String()),
  /** The item as in the HTTP API; absent when it left the list. */
  item: Type.Optional(Type.Unknown()),
});

/** One message. */
export const LiveMessage = Type.Object({
  /** Process that tells it: random, new with each start. */
  from: Type.String({ minLength: 1, maxLength: 64 }),
  /** Number of the process's newest message with changes: this one where it has changes. */
  seq: Type.Integer({ minimum: 0 }),
  /** Absent in a sign of life. */
  changes: Type.Optional(Type.Array(Change)),
});
export type LiveMessage = Static<typeof LiveMessage>;

const isMessage = new Ajv({ strict: false }).compile<LiveMessage>(LiveMessage);

/** The message in a text, or undefined where it is none. */
export function readLiveMessage(text: string): LiveMessage | undefined {
  try {
    const message: unknown = JSON.parse(text);
    return isMessage(message) ? message : undefined;
  } catch {
    return undefined;
  }
}

/** The change as it is told. Builds the item. */
export function toldChange({ kind, id, space, item }: LiveChange): Static<typeof Change> {
  return { kind, id, ...(space === undefined ? {} : { space }), ...(item === undefined ? {} : { item }) };
}

/** The change as the process that hears it hands it on. */
export function heardChange({ kind, id, space, item }: Static<typeof Change>): LiveChange {
  return { kind, id, ...(space === undefined ? {} : { space }), item };
}
