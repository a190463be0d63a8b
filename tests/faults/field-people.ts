import { readFileSync } from "node:fs";
import path from "node:path";
import { AttributeIds, type NodeId, resolveNodeId } from "node-opcua";
import { openBacnetJs } from "../contract/bacnet-js.ts";
import type { Park } from "../e2e/park.ts";
import { openSession } from "../unit/simulators/opcua-client.ts";

const NORMAL = 0;
const TO_OFFNORMAL = 0;
/** HierarchicalReferences. [OPC 10000-6 A.3] */
const HIERARCHICAL = "i=33";
const BINARY_INPUT = 3;
const OBJECT_NAMES: Readonly<Record<number, string>> = { 0: "analog-input", [BINARY_INPUT]: "binary-input" };

/** A condition as its device keeps it. */
export interface DeviceCondition {
  /** Signal of the fire panel, or BACnet object as `binary-input:3`. */
  readonly condition: string;
  readonly active: boolean;
  readonly acknowledged: boolean;
}

function fileOf(park: Park, name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path.join(park.data, name), "utf8")) as Record<string, unknown>;
}

/** Port of a simulated server. */
export function simulatedPort(park: Park, name: string): number {
  return Number(fileOf(park, "sim-ports.json")[name]);
}

/** Somebody at the fire panel, with an OPC UA client that is none of ours. */
export async function atFirePanel(park: Park) {
  const url = `opc.tcp://127.0.0.1:${simulatedPort(park, "fire-panel")}`;
  const password = String(fileOf(park, "sim-secrets.json")["demo-opcua"]);
  const { session, close } = await openSession(url, { folder: path.join(park.data, "field-people"), password });
  const namespace = (await session.readNamespaceArray()).indexOf("urn:parkhub:simulator:fire-panel");
  const node = (signal: string): NodeId => resolveNodeId(`ns=${namespace};s=fire-panel.${signal}.condition`);
  const read = async (signal: string, ...names: readonly string[]): Promise<unknown> => {
    const { targets } = await session.translateBrowsePath({
      startingNode: node(signal),
      relativePath: {
        elements: names.map((name) => ({
          referenceTypeId: HIERARCHICAL,
          includeSubtypes: true,
          targetName: { namespaceIndex: 0, name },
        })),
      },
    });
    const nodeId = targets?.[0]?.targetId;
    if (nodeId === undefined) throw new Error(`${signal} has no ${names.join(".")}`);
    return (await session.read({ nodeId, attributeId: AttributeIds.Value })).value.value;
  };
  return {
    /** Acknowledges the newest event of a condition. [OPC 10000-9 §5.7.3] */
    async acknowledge(signal: string, comment: string): Promise<void> {
      const eventId = await read(signal, "EventId");
      if (!Buffer.isBuffer(eventId)) throw new Error(`${signal} has no event`);
      const status = await session.acknowledgeCondition(node(signal), eventId, comment);
      if (!status.isGood()) throw new Error(`${signal} was not acknowledged: ${status.toString()}`);
    },
    async condition(signal: string): Promise<DeviceCondition> {
      const [active, acknowledged] = [await read(signal, "ActiveState", "Id"), await read(signal, "AckedState", "Id")];
      return { condition: signal, active: active === true, acknowledged: acknowledged === true };
    },
    close,
  };
}

/** Is the transition to off-normal acknowledged? [BACnet 12.2, Acked_Transitions] */
function isAcknowledged(transitions: unknown): boolean {
  const { value } = transitions as { readonly value: readonly number[] };
  return (value[0] ?? 0) % 2 === 1;
}

/** A second operator workstation on a BACnet network, on a stack that is none of ours. */
export async function atBacnet(park: Park) {
  const { client } = await openBacnetJs();
  const address = (device: string) => ({ address: `127.0.0.1:${simulatedPort(park, device)}` });
  return {
    /** Acknowledges the alarm of a binary input. [BACnet 13.5] */
    async acknowledge(device: string, instance: number, by: string): Promise<void> {
      const events = await client.getEventInformation(address(device));
      const event = events.find(({ objectId }) => objectId.type === BINARY_INPUT && objectId.instance === instance);
      const stamp = event?.eventTimeStamps[TO_OFFNORMAL];
      if (event === undefined || stamp === undefined)
        throw new Error(`${device} has no event of binary-input:${instance}`);
      await client.acknowledgeAlarm(
        address(device),
        event.objectId,
        event.eventState,
        by,
        stamp as never,
        stamp as never,
      );
    },
    /** The conditions that a device itself lists. [BACnet 13.9 GetEventInformation] */
    async conditions(device: string): Promise<readonly DeviceCondition[]> {
      const events = await client.getEventInformation(address(device));
      return events.map(({ objectId, eventState, acknowledgedTransitions }) => ({
        condition: `${OBJECT_NAMES[objectId.type] ?? objectId.type}:${objectId.instance}`,
        active: eventState !== NORMAL,
        acknowledged: isAcknowledged(acknowledgedTransitions),
      }));
    },
    close: () => client.close(),
  };
}
