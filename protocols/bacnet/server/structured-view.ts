import { OBJECT_TYPES, PROPERTIES } from "../codec/enums.ts";
import { type DeviceObjectReference, deviceObjectReference } from "../codec/references.ts";
import type { ObjectId } from "../codec/values.ts";
import {
  arrayOf,
  arrayOfAll,
  enumerated,
  identity,
  optional,
  type Property,
  required,
  type ServedObject,
  single,
  text,
} from "./object.ts";

/** BACnetNodeType of a view, as far as we use them. [BACnet 21] */
export const NODE_TYPE = { system: 1, network: 2, device: 3, organizational: 4, area: 5, equipment: 6 } as const;

/** A StructuredView object: objects that belong together, by floor or by plant. */
export interface StructuredViewDefinition {
  readonly instance: number;
  readonly name: string;
  readonly description: string;
  readonly nodeType: keyof typeof NODE_TYPE;
  /** Freely chosen kind of node, e.g. `AHU`. */
  readonly nodeSubtype?: string;
  readonly subordinates: readonly { readonly object: ObjectId; readonly annotation: string }[];
}

/** Makes a StructuredView. [BACnet 12.29] */
export function structuredView(definition: StructuredViewDefinition): ServedObject {
  const { subordinates, nodeSubtype } = definition;
  const id: ObjectId = { type: OBJECT_TYPES["structured-view"], instance: definition.instance };
  const list: readonly DeviceObjectReference[] = subordinates.map(({ object }) => ({ object }));
  const properties = new Map<number, Property>([
    ...identity(id, definition.name),
    required(PROPERTIES.nodeType, () => single(enumerated(NODE_TYPE[definition.nodeType]))),
    required(PROPERTIES.subordinateList, () => arrayOfAll(deviceObjectReference, list)),
    optional(PROPERTIES.subordinateAnnotations, () => arrayOf(subordinates.map(({ annotation }) => text(annotation)))),
    optional(PROPERTIES.description, () => single(text(definition.description))),
  ]);
  if (nodeSubtype !== undefined) {
    properties.set(...optional(PROPERTIES.nodeSubtype, () => single(text(nodeSubtype))));
  }
  return { id, name: definition.name, properties };
}
