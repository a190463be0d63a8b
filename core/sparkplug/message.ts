/** One MQTT message ready to be published, or to be registered as will. Whoever holds the connection sends it. */
export interface SparkplugMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

/** Name of the birth/death sequence metric. [Sparkplug tck-id-topics-nbirth-bdseq-included] */
export const BD_SEQ = "bdSeq";
/** Name of the metric a host sets to true to ask for new births. [Sparkplug tck-id-topics-nbirth-rebirth-metric] */
export const REBIRTH = "Node Control/Rebirth";
/** Name of our metric that says which outbox rows a data message holds: `<epoch>:<first>:<last>`. */
export const BATCH = "Parkhub/batch";

/** The number after a `seq` or `bdSeq`: 0..255, wrapping. [Sparkplug tck-id-payloads-sequence-num-incrementing] */
export function nextSequence(sequence: number): number {
  return (sequence + 1) & 0xff;
}
