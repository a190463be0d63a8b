import type { TFunction } from "i18next";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { GatewayView } from "#core/contracts/gateways.ts";
import { age, fullTime, grouped } from "../../i18n/format.ts";
import { named } from "../../i18n/language.ts";
import { useNow } from "../../live/hooks.ts";
import { Icon } from "../../ui/icon.tsx";
import { ageText } from "../../ui/quality-badge.tsx";
import { useNames } from "../../ui/use-names.ts";
import { CompletenessProof } from "./completeness-proof.tsx";
import { GatewayCertificates } from "./gateway-certificates.tsx";
import { GatewayFindings } from "./gateway-findings.tsx";
import { GatewayQuarantine } from "./gateway-quarantine.tsx";
import { GatewayStatements } from "./gateway-statements.tsx";

/** Backlogs above this are more than the traffic of a moment. */
const BACKLOG_WORTH_A_LOOK = 10_000;

function Figure(props: {
  readonly label: string;
  readonly bad?: boolean;
  readonly children: ReactNode;
  readonly note?: string;
}) {
  return (
    <div className={`figure${props.bad === true ? " figure-bad" : ""}`}>
      <dt>{props.label}</dt>
      <dd>
        {props.children}
        {props.note !== undefined && <small>{props.note}</small>}
      </dd>
    </div>
  );
}

/** When what waits will be here; undefined while nothing worth a word waits. */
function drainText({ drain, backlog }: GatewayView, t: TFunction): string | undefined {
  if (drain === undefined || backlog.telemetry + backlog.events <= BACKLOG_WORTH_A_LOOK) return undefined;
  if (drain.doneInS === null) return t("gateway.draining");
  const { unit, count } = age(drain.doneInS * 1000);
  return t("gateway.drained", { time: t(`age.${unit}`, { count }) });
}

/** One gateway with everything that tells whether it can be relied on. */
export function GatewayCard({ gateway }: { readonly gateway: GatewayView }) {
  const { t } = useTranslation();
  const { language } = useNames();
  const now = useNow();
  const { id, online, lastSeenAt, configVersion, configWanted, configErrors, backlog, acked, gaps, quarantined } =
    gateway;
  const position = (at: typeof acked.events): string => (at === null ? t("common.none") : grouped(at.offset));
  return (
    <article className="panel gateway" data-testid="gateway" data-gateway={id} aria-label={named(gateway, language)}>
      <div className="gateway-head">
        <Icon name="edge" />
        <h2>{named(gateway, language)}</h2>
        <code className="soft">{id}</code>
        <span className={`tag${online ? "" : " tag-bad"}`} data-testid="gateway-online">
          {t(online ? "gateway.online" : "gateway.offline")}
        </span>
      </div>
      <dl className="figures">
        <Figure label={t("gateway.lastSeen")} bad={!online} note={fullTime(lastSeenAt).slice(0, 19)}>
          {lastSeenAt === null ? t("common.never") : ageText(lastSeenAt, now, t)}
        </Figure>
        <Figure
          label={t("gateway.config")}
          bad={configVersion !== configWanted}
          {...(configVersion === configWanted ? {} : { note: t("gateway.configWanted", { version: configWanted }) })}
        >
          {configVersion}
        </Figure>
        <Figure
          label={t("gateway.backlog")}
          bad={backlog.telemetry + backlog.events > BACKLOG_WORTH_A_LOOK}
          note={drainText(gateway, t) ?? `${t("gateway.telemetry")} / ${t("gateway.events")}`}
        >
          {grouped(backlog.telemetry)} / {grouped(backlog.events)}
        </Figure>
        <Figure label={`${t("gateway.acked")} · ${t("gateway.telemetry")}`}>{position(acked.telemetry)}</Figure>
        <Figure label={`${t("gateway.acked")} · ${t("gateway.events")}`}>{position(acked.events)}</Figure>
        <Figure label={t("gateway.gaps")} bad={gaps.length > 0}>
          {gaps.length}
        </Figure>
        <Figure label={t("gateway.quarantined")} bad={quarantined > 0}>
          {quarantined}
        </Figure>
      </dl>
      {configErrors.length > 0 && (
        <section className="section">
          <h3>{t("gateway.configErrors")}</h3>
          <ul className="config-errors">
            {configErrors.map((error) => (
              <li key={error}>
                <code>{error}</code>
              </li>
            ))}
          </ul>
        </section>
      )}
      <GatewayCertificates gateway={id} />
      <CompletenessProof gateway={id} acked={acked.telemetry?.epoch} />
      <GatewayFindings gateway={id} />
      {quarantined > 0 && <GatewayQuarantine gateway={id} all={quarantined} />}
      <GatewayStatements gateway={id} />
    </article>
  );
}
