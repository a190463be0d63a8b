import type { ResolvedMetric } from "./metric-table.ts";

/** Why a host asks an edge node for new births. */
export type RebirthReason = "dataBeforeBirth" | "unknownAlias" | "unknownDevice" | "sequenceGap";

/** What follows from one received message. `node` is `<group>/<edgeNode>`; times are Unix ms. */
export type HostOutput =
  /** An NBIRTH: the node is online and all its devices are unknown until their DBIRTH. */
  | {
      readonly type: "nodeBorn";
      readonly node: string;
      readonly bdSeq: number;
      readonly timestamp: number;
      readonly metrics: readonly ResolvedMetric[];
    }
  | {
      readonly type: "deviceBorn";
      readonly node: string;
      readonly device: string;
      readonly timestamp: number;
      readonly metrics: readonly ResolvedMetric[];
    }
  /** NDATA (no device) or DDATA. */
  | {
      readonly type: "data";
      readonly node: string;
      readonly device: string | undefined;
      readonly timestamp: number;
      readonly metrics: readonly ResolvedMetric[];
      /** Messages before it were lost, perhaps a DBIRTH with other aliases; true until the next NBIRTH. */
      readonly afterGap: boolean;
    }
  /**
   * The node and all its devices are offline and their metrics stale since `timestamp` (host clock).
   * [Sparkplug tck-id-operational-behavior-edge-node-termination-host-action-ndeath-node-offline]
   */
  | {
      readonly type: "nodeDead";
      readonly node: string;
      readonly bdSeq: number;
      readonly timestamp: number;
      readonly cause: "death" | "connectionLost";
    }
  /** One device is offline and its metrics stale since `timestamp` (of the payload). */
  | { readonly type: "deviceDead"; readonly node: string; readonly device: string; readonly timestamp: number }
  /** Publish `rebirthRequest(node, ...)`. */
  | { readonly type: "rebirthNeeded"; readonly node: string; readonly reason: RebirthReason }
  /** Messages held for reordering that a new NBIRTH made meaningless. */
  | { readonly type: "discarded"; readonly node: string; readonly messages: number }
  /** Our own STATE says offline: publish the online STATE again. [Sparkplug tck-id-message-flow-hid-sparkplug-state-message-delivered] */
  | { readonly type: "ownStateOffline"; readonly timestamp: number }
  | { readonly type: "malformed"; readonly topic: string; readonly reason: string };
