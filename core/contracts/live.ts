import { type Static, Type } from "typebox";

const closed = { additionalProperties: false } as const;
export const LiveKind = Type.Enum(["alarms", "points", "devices", "doors", "gateways", "runs", "notices", "loads"]);
export type LiveKind = Static<typeof LiveKind>;

/** What a page tells the server on `WS /live`. `points` needs `ids` or `device`; `alarms` may name an area. */
export const LiveRequest = Type.Union([
  Type.Object(
    {
      t: Type.Literal("view"),
      id: Type.String({ minLength: 1, maxLength: 32 }),
      kind: LiveKind,
      filter: Type.Optional(
        Type.Object(
          {
            ids: Type.Optional(Type.Array(Type.String(), { maxItems: 2000 })),
            device: Type.Optional(Type.String()),
            area: Type.Optional(Type.String()),
          },
          closed,
        ),
      ),
      since: Type.Optional(Type.Object({ epoch: Type.String(), seq: Type.Integer() }, closed)),
    },
    closed,
  ),
  Type.Object({ t: Type.Literal("unview"), id: Type.String() }, closed),
]);
export type LiveRequest = Static<typeof LiveRequest>;

/** What the server sends. Items are those of the HTTP API; `rm` holds ids. Coalesced per id, 4 to 10 messages a second. */
export type LiveMessage<T = unknown> =
  | {
      readonly t: "snap";
      readonly id: string;
      readonly epoch: string;
      readonly seq: number;
      readonly items: readonly T[];
    }
  | {
      readonly t: "delta";
      readonly id: string;
      readonly epoch: string;
      readonly seq: number;
      readonly up: readonly T[];
      readonly rm: readonly string[];
    }
  | { readonly t: "error"; readonly id: string; readonly code: string };

/** Close code: the client reads too slowly. */
export const CLOSE_TOO_SLOW = 4008;
/** Close code: the session has ended. */
export const CLOSE_SESSION_ENDED = 4401;
