import type { AlarmView } from "#core/contracts/alarms.ts";

/** An open, unacknowledged intrusion; `change` names what is different. */
export function alarmView(id: string, change: Partial<AlarmView> = {}): AlarmView {
  return {
    id,
    occurrence: 1,
    law: "security",
    category: "intrusion",
    priority: "urgent",
    condition: "active",
    live: true,
    acknowledged: false,
    suppression: [],
    state: "B",
    stale: false,
    definition: "zone-1-intrusion",
    source: "park/gw-1/panel/zone-1-alarm",
    area: "wall-1",
    message: "1 号防区入侵",
    messageEn: "Intrusion at zone 1",
    raisedAt: "2026-11-21T08:00:00.000Z",
    receivedAt: "2026-11-21T08:00:00.001Z",
    snapshots: [],
    clips: [],
    runs: [],
    ...change,
  };
}
