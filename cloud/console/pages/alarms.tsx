import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import type { AlarmActName } from "../live/alarm-acts.ts";
import { type AlarmFilter, type AlarmTab, NO_FILTER } from "../live/alarm-filter.ts";
import { isGroup, type ListRow } from "../live/alarm-groups.ts";
import { useCell, useCellPart } from "../live/hooks.ts";
import { addressOf } from "../router.ts";
import { useServices } from "../services-context.ts";
import { AlarmDetailPanel } from "./alarms/alarm-detail-panel.tsx";
import { AlarmGrid } from "./alarms/alarm-grid.tsx";
import { AlarmTabs } from "./alarms/alarm-tabs.tsx";
import { AlarmToolbar } from "./alarms/alarm-toolbar.tsx";
import { FloodBar } from "./alarms/flood-bar.tsx";
import { useAlarmActs } from "./alarms/use-alarm-acts.ts";
import { usePhone } from "./alarms/use-phone.ts";
import { WorkplaceAsk } from "./alarms/workplace-ask.tsx";
import "./alarms/alarm-detail.css";
import "./alarms/alarms.css";
import "./alarms/alarm-phone.css";

/** Dialogs are loaded when they are first asked for. */
const ActDialog = lazy(() => import("./alarms/act-dialog.tsx"));
const KeysHelp = lazy(() => import("./alarms/keys-help.tsx"));

const NOTHING: ReadonlySet<string> = new Set();
const toList = (): void => document.getElementById("alarm-grid")?.focus({ preventScroll: true });

/** Is the list folded by cause? In a flood, unless somebody wants it otherwise; a new flood begins folded again. */
function useFolding(): { readonly folded: boolean; readonly setFolded: (folded: boolean) => void } {
  const { sound } = useServices();
  const flooding = useCellPart(sound.flood, (flood) => flood.flooding);
  const [choice, setChoice] = useState<{ readonly flooding: boolean; readonly folded: boolean }>();
  const folded = choice?.flooding === flooding ? choice.folded : flooding;
  return { folded, setFolded: (wanted) => setChoice({ flooding, folded: wanted }) };
}

/** The alarm desk: the list never leaves the screen while one alarm is handled. */
export default function AlarmsPage() {
  const { alarms, router } = useServices();
  const { query } = useCell(router.place);
  const shown = query["alarm"];
  const [filter, setFilter] = useState<AlarmFilter>(NO_FILTER);
  const [tab, setTab] = useState<AlarmTab>("active");
  const [ticked, setTicked] = useState<ReadonlySet<string>>(NOTHING);
  const [opened, setOpened] = useState<ReadonlySet<string>>(NOTHING);
  /** The row of the cursor, when it is no alarm but the cause of the one that is shown. */
  const [group, setGroup] = useState<{ readonly id: string; readonly shown: string }>();
  const [help, setHelp] = useState(false);
  const { folded, setFolded } = useFolding();
  const phone = usePhone();
  const acts = useAlarmActs();

  const show = useCallback(
    (id: string | undefined) => router.go(addressOf("/alarms", { alarm: id }), { replace: true }),
    [router],
  );
  const onCursor = useCallback(
    (row: ListRow) => {
      setGroup(isGroup(row) ? { id: row.id, shown: row.first.id } : undefined);
      show(isGroup(row) ? row.first.id : row.id);
    },
    [show],
  );
  const onFold = useCallback((id: string, open: boolean) => {
    setOpened((old) => new Set(open ? [...old, id] : [...old].filter((one) => one !== id)));
  }, []);
  const onAct = (act: AlarmActName, ids: readonly string[]): void =>
    acts.ask(
      act,
      ids.flatMap((id) => alarms.get(id) ?? []),
    );
  const closeDialog = (done: boolean): void => {
    acts.close();
    if (done) setTicked(NOTHING);
  };
  const toolbar = useMemo(() => <AlarmToolbar filter={filter} onFilter={setFilter} />, [filter]);
  const tabs = useMemo(
    () => (
      <AlarmTabs
        tab={tab}
        onHelp={() => setHelp(true)}
        onTab={(next) => {
          setTab(next);
          setTicked(NOTHING);
        }}
      />
    ),
    [tab],
  );
  const wanted = useMemo(() => ({ tab, filter, folded, opened }), [tab, filter, folded, opened]);

  return (
    <div className={`alarm-desk${shown === undefined ? "" : " shows-one"}`}>
      <section className="alarm-list panel">
        <div className="alarm-top">
          <WorkplaceAsk />
          <FloodBar folded={folded} onFolded={setFolded} />
          {tabs}
          {toolbar}
        </div>
        <AlarmGrid
          key={phone ? "cards" : "rows"}
          cards={phone}
          wanted={wanted}
          onClearFilter={() => setFilter(NO_FILTER)}
          cursor={group !== undefined && group.shown === shown ? group.id : shown}
          onCursor={onCursor}
          onFold={onFold}
          ticked={ticked}
          onTicked={setTicked}
          onAct={onAct}
          onHelp={() => setHelp(true)}
        />
      </section>
      <AlarmDetailPanel
        id={shown}
        acts={acts}
        onArea={(area) => setFilter({ ...NO_FILTER, area })}
        onBack={() => {
          show(undefined);
          toList();
        }}
      />
      <Suspense fallback={null}>
        {acts.asked !== undefined && <ActDialog asked={acts.asked} acts={acts} onClose={closeDialog} />}
        {help && <KeysHelp onClose={() => setHelp(false)} />}
      </Suspense>
    </div>
  );
}
