import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import type { DeviceView } from "#core/contracts/devices.ts";
import type { PointView } from "#core/contracts/points.ts";
import { isInside } from "../api/site-names.ts";
import { useLoad } from "../api/use-load.ts";
import { useCell, useItems, useLiveView, useLoaded } from "../live/hooks.ts";
import { compareDevices, comparePoints } from "../live/point-order.ts";
import { addressOf } from "../router.ts";
import { useServices } from "../services-context.ts";
import { Icon } from "../ui/icon.tsx";
import { protocolText } from "../ui/protocol-text.ts";
import { EmptyState, ErrorState, LoadingState } from "../ui/states.tsx";
import { useNames } from "../ui/use-names.ts";
import { DeviceTable, useKindText } from "./devices/device-table.tsx";
import { PlaceTree } from "./devices/place-tree.tsx";
import { PointPanel } from "./devices/point-panel.tsx";
import { PointTable } from "./devices/point-table.tsx";
import "./devices/devices.css";

/** So many found points are watched at once. */
const MOST_FOUND = 500;

/** The points of one device, live. */
function DevicePoints(props: {
  readonly device: DeviceView;
  readonly point: string | undefined;
  readonly onPoint: (id: string) => void;
}) {
  const { t } = useTranslation();
  const names = useNames();
  const kindText = useKindText();
  const { id, kind, protocol, online } = props.device;
  const collection = useLiveView<PointView>("points", id, { device: id }, comparePoints);
  const points = useItems(collection);
  const loaded = useLoaded(collection);
  return (
    <>
      <div className="list-head">
        <h2>{names.device(id)}</h2>
        {!online && <span className="tag tag-bad">{t("device.offline")}</span>}
        <span className="soft">
          {kindText(kind)} · {protocolText(protocol)} · {t("device.pointCount", { count: points.length })}
        </span>
      </div>
      {loaded ? (
        <PointTable points={points} selected={props.point} onSelect={props.onPoint} withDevice={false} />
      ) : (
        <LoadingState />
      )}
    </>
  );
}

/** Points of the whole site that match a search, live. */
function FoundPoints(props: {
  readonly q: string;
  readonly point: string | undefined;
  readonly onPoint: (id: string) => void;
}) {
  const { t } = useTranslation();
  const { api } = useServices();
  const found = useLoad(props.q, (signal) => api.searchPoints(props.q, MOST_FOUND, signal));
  const ids = found.data?.items.map(({ id }) => id);
  const key = ids === undefined || ids.length === 0 ? undefined : ids.join(" ");
  const live = useItems(useLiveView<PointView>("points", key, ids && { ids }, comparePoints));
  const points = live.length > 0 ? live : (found.data?.items ?? []);
  return (
    <>
      <div className="list-head">
        <h2>{t("device.results", { q: props.q })}</h2>
        <span className="soft">
          {t("device.pointCount", { count: found.data?.items.length ?? 0 })}
          {found.data?.nextCursor !== undefined && ` · ${t("device.resultsCapped", { count: MOST_FOUND })}`}
        </span>
      </div>
      {found.error !== undefined && <ErrorState error={found.error} onRetry={found.reload} />}
      {found.data === undefined && found.loading && <LoadingState />}
      {found.data?.items.length === 0 && <EmptyState icon="search" title={t("device.noPoints")} />}
      {points.length > 0 && found.data !== undefined && (
        <PointTable points={points} selected={props.point} onSelect={props.onPoint} withDevice />
      )}
    </>
  );
}

/** Places and devices, their points with live values, and one point in full. */
export default function DevicesPage() {
  const { t } = useTranslation();
  const { router, site } = useServices();
  const { query } = useCell(router.place);
  const { spaces } = useCell(site.names);
  const names = useNames();
  const collection = useLiveView<DeviceView>("devices", "all", undefined, compareDevices);
  const devices = useItems(collection);
  const loaded = useLoaded(collection);
  const [q, setQ] = useState("");
  const search = useDeferredValue(q.trim());
  const { device, space, point } = query;
  const root = [...spaces.values()].find(({ parent }) => parent === undefined || !spaces.has(parent));
  const area = space ?? root?.id ?? "";
  const chosen = devices.find(({ id }) => id === device);
  const inArea = devices.filter((one) => isInside(spaces, one.space, area));
  const go = (change: Record<string, string | undefined>): void => router.go(addressOf("/devices", change));
  const onPoint = (id: string): void => go({ device, space, point: id });

  return (
    <div className={`device-desk${point === undefined ? "" : " with-point"}`}>
      <section className="panel tree-panel">
        <PlaceTree
          devices={devices}
          selected={device ?? area}
          onSelect={(row) => {
            setQ("");
            go(row.is === "device" ? { device: row.id } : { space: row.id });
          }}
        />
      </section>
      <section className="panel list-panel">
        <label className={`search point-search${search === "" ? "" : " filtering"}`}>
          <Icon name="search" />
          <input
            type="search"
            data-testid="point-search"
            aria-label={t("device.pointSearch")}
            placeholder={t("device.pointSearch")}
            maxLength={100}
            value={q}
            onChange={({ target }) => setQ(target.value)}
          />
        </label>
        {search !== "" && <FoundPoints q={search} point={point} onPoint={onPoint} />}
        {search === "" && chosen !== undefined && (
          <DevicePoints key={chosen.id} device={chosen} point={point} onPoint={onPoint} />
        )}
        {search === "" && chosen === undefined && (
          <>
            <div className="list-head">
              <h2>{names.space(area)}</h2>
              <span className="soft">{t("device.deviceCount", { count: inArea.length })}</span>
            </div>
            {!loaded && <LoadingState />}
            {loaded && inArea.length === 0 && <EmptyState icon="device" title={t("device.noDevices")} />}
            {loaded && inArea.length > 0 && <DeviceTable devices={inArea} onSelect={(id) => go({ device: id })} />}
          </>
        )}
      </section>
      {point !== undefined && <PointPanel key={point} id={point} onClose={() => go({ device, space })} />}
    </div>
  );
}
