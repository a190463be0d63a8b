import { coerceNodeId, type NodeId } from "node-opcua";
import { InvalidInputError } from "#core/errors.ts";

const NAMESPACE_URI = /^nsu=([^;]+);(.+)$/s;

/** The NodeId of a configured text at a server with these namespaces; undefined where it does not have the namespace. [OPC 10000-6 §5.1.12] */
export function resolvedNodeId(text: string, namespaces: readonly string[]): NodeId | undefined {
  const [, uri, identifier] = NAMESPACE_URI.exec(text) ?? [];
  if (uri === undefined || identifier === undefined) return nodeIdOf(text);
  const index = namespaces.indexOf(uri);
  return index < 0 ? undefined : nodeIdOf(index === 0 ? identifier : `ns=${index};${identifier}`);
}

/** Text of a NodeId that holds also after the server has changed the order of its namespaces. */
export function nodeText(nodeId: NodeId, namespaces: readonly string[]): string {
  const text = nodeId.toString().replace(/^ns=\d+;/, "");
  const uri = namespaces[nodeId.namespace];
  if (nodeId.namespace === 0) return text;
  return uri === undefined ? `ns=${nodeId.namespace};${text}` : `nsu=${uri};${text}`;
}

/** @throws OPCUA_NODE_ID_INVALID */
function nodeIdOf(text: string): NodeId {
  try {
    return coerceNodeId(text);
  } catch (cause) {
    throw new InvalidInputError("OPCUA_NODE_ID_INVALID", `"${text}" is no NodeId`, { cause });
  }
}

/** A NodeId of namespace 0. */
export function standardNode(identifier: number): NodeId {
  return coerceNodeId(`i=${identifier}`);
}
