/** What one driver counts since its creation. */
export interface OnvifCounters {
  requests: number;
  timeouts: number;
  faults: number;
  malformed: number;
  /** Answers cut off because they were larger than any can be; they count as malformed too. */
  oversized: number;
  /** Answers that would have sent the hub elsewhere. */
  redirects: number;
  /** Addresses of other hosts that a device gave for streams or pictures. */
  foreignAddresses: number;
  unauthorized: number;
  /** Times a device came back after it was lost. */
  reconnects: number;
  subscriptions: number;
  subscriptionsLost: number;
  notifications: number;
  /** Notifications of topics that are no event of the hub. */
  unmapped: number;
  /** Commands to doors and relays that the device took and did not show. */
  unconfirmed: number;
}

/** All zero. */
export function newCounters(): OnvifCounters {
  return {
    requests: 0,
    timeouts: 0,
    faults: 0,
    malformed: 0,
    oversized: 0,
    redirects: 0,
    foreignAddresses: 0,
    unauthorized: 0,
    reconnects: 0,
    subscriptions: 0,
    subscriptionsLost: 0,
    notifications: 0,
    unmapped: 0,
    unconfirmed: 0,
  };
}
