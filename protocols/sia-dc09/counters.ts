/** What one driver counts since its creation. */
export interface SiaCounters {
  connections: number;
  connectionsRefused: number;
  frames: number;
  acknowledged: number;
  /** Repeats of frames already taken: acknowledged again, no second event. */
  duplicates: number;
  /** Time stamps outside the window, answered with NAK. */
  negative: number;
  /** Frames of which nothing could be made, answered with DUH. */
  notUnderstood: number;
  crcErrors: number;
  malformed: number;
  unknownAccounts: number;
  /** Plain frames of an account that has a key, and frames that its key does not open. */
  notAuthentic: number;
  /** Frames that the gateway's disk did not take: not acknowledged. */
  notStored: number;
  overload: number;
}

/** All zero. */
export function newCounters(): SiaCounters {
  return {
    connections: 0,
    connectionsRefused: 0,
    frames: 0,
    acknowledged: 0,
    duplicates: 0,
    negative: 0,
    notUnderstood: 0,
    crcErrors: 0,
    malformed: 0,
    unknownAccounts: 0,
    notAuthentic: 0,
    notStored: 0,
    overload: 0,
  };
}
