import type { Generated } from "kysely";
import type { Lane } from "#core/contracts/lanes.ts";

/**
 * Rows of ingest and gateways. Retention: cursors, gaps and credentials live as long as the gateway; quarantine is
 * bounded per gateway.
 */
export interface IngestTables {
  /** How far a lane of a gateway is stored, per epoch. The newest epoch is open; older ones stay for the proof of completeness. */
  lane_cursors: {
    gateway: string;
    lane: Lane;
    epoch: string;
    /** First offset that counts: what lies below was never offered to this cloud. */
    from_offset: number;
    /** Acknowledged: everything from `from_offset` up to here is stored or accounted for; `from_offset - 1` when nothing is. */
    up_to: number;
    /** All offsets stored or accounted for, also those that arrived before what lies in front of them: JSON `[[from, to], ...]`, ascending, apart. */
    covered: string;
    /** Highest offset seen. */
    highest: number;
    /** Different offsets stored. */
    stored: number;
    /** Offsets that were offered again and ignored. */
    duplicates: number;
    opened_at: number;
    /** When a newer epoch of the same lane appeared; null while this one is the current. */
    closed_at: number | null;
  };
  /** What is known of a gateway as a process. */
  gateways: {
    gateway: string;
    last_seen_at: number | null;
    /** Version of the bundle it says it runs. */
    config_version: number;
    /** JSON array of the faults it found in it. */
    config_errors: string;
    /** How many payloads or items of it were put aside, ever. */
    quarantined: number;
  };
  /** What can never be stored, with its reason and its bytes. */
  quarantine: {
    id: Generated<number>;
    gateway: string;
    at: number;
    topic: string;
    /** Lane, epoch and offset where they could be read. */
    lane: string | null;
    epoch: string | null;
    offset: number | null;
    code: string;
    reason: string;
    bytes: Uint8Array;
  };
  /** Offsets that will never come, and why. */
  lane_gaps: {
    gateway: string;
    lane: Lane;
    epoch: string;
    from_offset: number;
    to_offset: number;
    reason: string;
    at: number;
  };
  /** scrypt hash of a gateway's password. */
  gateway_credentials: {
    gateway: string;
    username: string;
    salt: Uint8Array;
    hash: Uint8Array;
    created_at: number;
  };
  /** Points of foreign edge nodes, as their births have declared them. Retention: gone with the node's credential. */
  foreign_points: {
    /** Point id. */
    id: string;
    /** `<site>/<edge node>`. */
    node: string;
    /** Sparkplug device id as sent; empty for metrics of the node itself. */
    device: string;
    /** Metric name as sent. */
    metric: string;
    kind: "number" | "boolean" | "string";
    /** Canonical unit id, where the birth names one that we know. */
    unit: string | null;
    /** Last birth that declared it, Unix ms. */
    seen_at: number;
  };
}
