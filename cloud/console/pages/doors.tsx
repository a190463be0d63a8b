import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DoorView } from "#core/contracts/doors.ts";
import { type SiteNames, spacePath } from "../api/site-names.ts";
import { compareDoors } from "../live/door-order.ts";
import { useCell, useItems, useLiveView, useLoaded } from "../live/hooks.ts";
import { addressOf } from "../router.ts";
import { useServices } from "../services-context.ts";
import { EmptyState, LoadingState } from "../ui/states.tsx";
import { useNames } from "../ui/use-names.ts";
import { AccessLog } from "./doors/access-log.tsx";
import { DoorCard } from "./doors/door-card.tsx";
import "./doors/doors.css";

/** The building, or whatever else of the site, that a place is part of. */
function wholeOf(spaces: SiteNames["spaces"], space: string): string {
  const path = spacePath(spaces, space).filter(({ kind }) => kind !== "site");
  return path.at(-1)?.id ?? space;
}

/** The doors by place: how they stand, opening and locking them, and who passed. */
export default function DoorsPage() {
  const { t } = useTranslation();
  const { router, site } = useServices();
  const { spaces } = useCell(site.names);
  const { query } = useCell(router.place);
  const names = useNames();
  const collection = useLiveView<DoorView>("doors", "all", undefined, compareDoors);
  const doors = useItems(collection);
  const loaded = useLoaded(collection);
  const [busy, setBusy] = useState<string>();
  if (!loaded) return <LoadingState />;
  if (doors.length === 0) return <EmptyState icon="door" title={t("door.empty")} hint={t("door.emptyHint")} />;
  const chosen = doors.find(({ id }) => id === query["door"]);
  return (
    <div className="door-desk">
      <section className="door-list" aria-label={t("page.doors")}>
        {[...Map.groupBy(doors, ({ space }) => wholeOf(spaces, space))].map(([whole, there]) => (
          <section key={whole} aria-label={names.space(whole)}>
            <h2 className="door-place">{names.space(whole)}</h2>
            <div className="door-cards">
              {there.map((door) => (
                <DoorCard
                  key={door.id}
                  door={door}
                  selected={door === chosen}
                  busy={busy !== undefined && busy !== door.id}
                  onBusy={(is) => setBusy(is ? door.id : undefined)}
                  onSelect={() => router.go(addressOf("/doors", { door: door.id }), { replace: true })}
                />
              ))}
            </div>
          </section>
        ))}
      </section>
      <aside className="panel access-log" aria-label={t("door.log")}>
        {chosen === undefined ? (
          <EmptyState icon="door" title={t("door.choose")} />
        ) : (
          <AccessLog key={chosen.id} door={chosen} />
        )}
      </aside>
    </div>
  );
}
