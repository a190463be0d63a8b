import { useTranslation } from "react-i18next";
import type { GatewayView } from "#core/contracts/gateways.ts";
import { useItems, useLiveView, useLoaded } from "../live/hooks.ts";
import { compareGateways } from "../live/point-order.ts";
import { EmptyState, LoadingState } from "../ui/states.tsx";
import { GatewayCard } from "./gateways/gateway-card.tsx";
import { HubJobs } from "./gateways/hub-jobs.tsx";
import "./gateways/gateways.css";

/** The gateways: presence, backlog, and the proof that nothing was lost. */
export default function GatewaysPage() {
  const { t } = useTranslation();
  const collection = useLiveView<GatewayView>("gateways", "all", undefined, compareGateways);
  const gateways = useItems(collection);
  const loaded = useLoaded(collection);
  return (
    <div className="gateway-list">
      {!loaded && <LoadingState />}
      {loaded && gateways.length === 0 && (
        <EmptyState icon="gateway" title={t("gateway.empty")} hint={t("gateway.emptyHint")} />
      )}
      {gateways.map((gateway) => (
        <GatewayCard key={gateway.id} gateway={gateway} />
      ))}
      <HubJobs />
    </div>
  );
}
