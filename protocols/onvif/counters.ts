/** What one driver counts since its creation. */
export interface OnvifCounters {
  requests: number;
  timeouts: number;
  faults: number;
  malformed: number;
  unauthorized: number;
  /** Times a device came back after it was lost. */
  reconnects: number;
  subscriptions: number;
  subscriptionsLost: number;
  notifications: number;
  /** Notifications of topics that are no event of the hub. */
  unmapped: number;
}

/** All zero. */
export function newCounters(): OnvifCounters {
  return {
    requests: 0,
    timeouts: 0,
    faults: 0,
    malformed: 0,
    unauthorized: 0,
    reconnects: 0,
    subscriptions: 0,
    subscriptionsLost: 0,
    notifications: 0,
    unmapped: 0,
  };
}
