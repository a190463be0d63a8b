import type { ObjectId } from "../content.ts";
import { objectId, text, unsigned } from "../context.ts";
import {
  application,
  applicationText,
  choice,
  decodeBody,
  encodeBody,
  type Field,
  optional,
  sequence,
} from "../fields.ts";
import type { InstanceRange } from "./discovery.ts";

/** Who-Has (7): who has this object? [BACnet 16.9] */
export interface WhoHas {
  /** Device instances asked; all where absent. */
  readonly range?: InstanceRange;
  readonly object:
    | { readonly type: "identifier"; readonly value: ObjectId }
    | { readonly type: "name"; readonly value: string };
}

const whoHas: Field<WhoHas> = sequence<WhoHas>({
  range: optional(sequence<InstanceRange>({ low: unsigned(0), high: unsigned(1) })),
  object: choice<WhoHas["object"]>("Who-Has object", { identifier: objectId(2), name: text(3) }),
});

/** Body of a Who-Has. @throws BACNET_MALFORMED */
export function encodeWhoHas(request: WhoHas): Uint8Array {
  return encodeBody(whoHas, request);
}

/** @throws BACNET_MALFORMED */
export function decodeWhoHas(body: Uint8Array): WhoHas {
  return decodeBody(whoHas, body);
}

/** I-Have (1). [BACnet 16.9] */
export interface IHave {
  readonly device: ObjectId;
  readonly object: ObjectId;
  readonly objectName: string;
}

const iHave: Field<IHave> = sequence<IHave>({
  device: application("objectId"),
  object: application("objectId"),
  objectName: applicationText,
});

/** Body of an I-Have. @throws BACNET_MALFORMED */
export function encodeIHave(answer: IHave): Uint8Array {
  return encodeBody(iHave, answer);
}

/** @throws BACNET_MALFORMED */
export function decodeIHave(body: Uint8Array): IHave {
  return decodeBody(iHave, body);
}
