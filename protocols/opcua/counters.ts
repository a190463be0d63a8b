/** What one driver counts since its creation. */
export interface OpcuaCounters {
  requests: number;
  timeouts: number;
  /** Requests that a server answered with a service fault. */
  faults: number;
  /** Answers that came after their time. */
  late: number;
  /** Publish responses with data or events. */
  notifications: number;
  /** Values told by monitored items. */
  changes: number;
  /** Values with the overflow bit: the server discarded others before them. */
  overflows: number;
  /** Notification messages that were missing and were sent again by the server. */
  republished: number;
  /** Notification messages that were missing and that the server did not have any more. */
  missed: number;
  /** Times a silent server was noticed by the watchdog. */
  silences: number;
  connects: number;
  /** Times a server came back after it was lost. */
  reconnects: number;
  /** Reconnections in which session and subscriptions survived. */
  resumed: number;
  /** Reconnections in which the subscriptions were moved to a new session. */
  transferred: number;
  conditionEvents: number;
  otherEvents: number;
  /** Events that were told already. */
  duplicateEvents: number;
  /** Events of an unexpected shape. */
  malformed: number;
  historyValues: number;
}

/** All zero. */
export function newCounters(): OpcuaCounters {
  return {
    requests: 0,
    timeouts: 0,
    faults: 0,
    late: 0,
    notifications: 0,
    changes: 0,
    overflows: 0,
    republished: 0,
    missed: 0,
    silences: 0,
    connects: 0,
    reconnects: 0,
    resumed: 0,
    transferred: 0,
    conditionEvents: 0,
    otherEvents: 0,
    duplicateEvents: 0,
    malformed: 0,
    historyValues: 0,
  };
}
