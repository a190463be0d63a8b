import { useCallback, useMemo, useState } from "react";
import type { AlarmView } from "#core/contracts/http.ts";
import { type AlarmFilter, NO_FILTER } from "../live/alarm-filter.ts";
import { useCell } from "../live/hooks.ts";
import { addressOf } from "../router.ts";
import { useServices } from "../services-context.ts";
import { AlarmDetailPanel } from "./alarms/alarm-detail-panel.tsx";
import { AlarmGrid } from "./alarms/alarm-grid.tsx";
import { AlarmToolbar } from "./alarms/alarm-toolbar.tsx";
import { BulkAcknowledgeDialog } from "./alarms/bulk-acknowledge-dialog.tsx";
import { useAlarmActs } from "./alarms/use-alarm-acts.ts";
import "./alarms/alarm-detail.css";
import "./alarms/alarms.css";

const NOTHING: ReadonlySet<string> = new Set();

/** The alarm desk: the list never leaves the screen while one alarm is handled. */
export default function AlarmsPage() {
  const { alarms, router } = useServices();
  const { query } = useCell(router.place);
  const cursor = query["alarm"];
  const [filter, setFilter] = useState<AlarmFilter>(NO_FILTER);
  const [ticked, setTicked] = useState<ReadonlySet<string>>(NOTHING);
  const [bulk, setBulk] = useState<readonly AlarmView[]>();
  const acts = useAlarmActs();

  const moveTo = useCallback(
    (id: string) => router.go(addressOf("/alarms", { alarm: id }), { replace: true }),
    [router],
  );
  /** One alarm is acknowledged at once; several are counted and confirmed first. */
  const acknowledge = useCallback(
    (ids: readonly string[]) => {
      const wanted = ids.flatMap((id) => alarms.get(id) ?? []).filter((alarm) => !alarm.acknowledged);
      if (wanted.length > 1) setBulk(wanted);
      else if (wanted[0] !== undefined) void acts.acknowledge(wanted[0]);
    },
    [alarms, acts],
  );
  const reset = useCallback(
    (id: string) => {
      const alarm = alarms.get(id);
      if (alarm !== undefined) void acts.reset(alarm);
    },
    [alarms, acts],
  );
  const closeBulk = useCallback((done: boolean) => {
    setBulk(undefined);
    if (done) setTicked(NOTHING);
  }, []);
  const toolbar = useMemo(() => <AlarmToolbar filter={filter} onFilter={setFilter} />, [filter]);

  return (
    <div className="alarm-desk">
      <section className="alarm-list panel">
        {toolbar}
        <AlarmGrid
          filter={filter}
          onClearFilter={() => setFilter(NO_FILTER)}
          cursor={cursor}
          onCursor={moveTo}
          ticked={ticked}
          onTicked={setTicked}
          onAcknowledge={acknowledge}
          onReset={reset}
        />
      </section>
      <AlarmDetailPanel id={cursor} acts={acts} />
      {bulk !== undefined && <BulkAcknowledgeDialog alarms={bulk} acts={acts} onClose={closeBulk} />}
    </div>
  );
}
