import { App, Switch } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DoorView } from "#core/contracts/doors.ts";
import type { PointView } from "#core/contracts/points.ts";
import { type NameOf, sentence } from "#core/linkage/sentence.ts";
import { errorText } from "../../api/error-text.ts";
import type { PlacedRule } from "../../api/hub-api.ts";
import { named } from "../../i18n/language.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { Icon } from "../../ui/icon.tsx";
import { useNames } from "../../ui/use-names.ts";
import { placementText } from "./placement-text.ts";

interface Props {
  readonly rule: PlacedRule;
  readonly points: ReadonlyMap<string, PointView>;
  readonly doors: readonly DoorView[];
  readonly selected: boolean;
  readonly onSelect: () => void;
  readonly onSwitched: () => void;
}

/** One rule: its sentence, where it runs and why, and its switch. */
export function RuleCard({ rule, points, doors, selected, onSelect, onSwitched }: Props) {
  const { t } = useTranslation();
  const { site } = useServices();
  const known = useCell(site.names);
  const { language } = useNames();
  const nameOf: NameOf = (id, kind) => {
    if (kind === "door") return doors.find((door) => door.id === id);
    if (kind === "space") return known.spaces.get(id);
    return known.zones.get(id) ?? known.partitions.get(id) ?? known.devices.get(id) ?? points.get(id);
  };
  const cloud = rule.place === "cloud";
  return (
    <article className={`panel rule${selected ? " rule-selected" : ""}`} data-testid="rule" data-rule={rule.id}>
      <div className="rule-head">
        <h2>
          <button type="button" className="plain cell-link" aria-pressed={selected} onClick={onSelect}>
            {named(rule, language)}
          </button>
        </h2>
        <RuleSwitch rule={rule} onSwitched={onSwitched} />
      </div>
      <p className={`rule-sentence${rule.enabled ? "" : " rule-off"}`}>{sentence(rule, language, nameOf)}</p>
      <dl className="facts">
        <dt>{t("rule.runsOn")}</dt>
        <dd className="rule-place">
          <Icon name={cloud ? "cloud" : "edge"} />
          {cloud ? t("rule.cloud") : t("rule.edge", { gateway: rule.place.split("/").at(-1) })}
        </dd>
        <dt>{t("rule.because")}</dt>
        <dd>{placementText(rule.because, t)}</dd>
      </dl>
    </article>
  );
}

function RuleSwitch({ rule, onSwitched }: Pick<Props, "rule" | "onSwitched">) {
  const { t } = useTranslation();
  const { api, session } = useServices();
  const { message } = App.useApp();
  const { language } = useNames();
  const state = useCell(session.state);
  const [busy, setBusy] = useState(false);
  const may = state.is === "in" && state.permissions.has("rule.write");
  const toggle = async (enabled: boolean): Promise<void> => {
    setBusy(true);
    try {
      await api.switchRule(rule.id, enabled);
      void message.success(t(enabled ? "rule.switchedOn" : "rule.switchedOff"));
      onSwitched();
    } catch (error) {
      void message.error(errorText(error, t));
    } finally {
      setBusy(false);
    }
  };
  return (
    <span className="rule-switch">
      <span className={rule.enabled ? "soft" : "tag tag-warn"}>
        {t(rule.enabled ? "rule.enabled" : "rule.disabled")}
      </span>
      <Switch
        checked={rule.enabled}
        loading={busy}
        disabled={!may}
        aria-label={t("rule.toggle", { name: named(rule, language) })}
        data-testid="rule-switch"
        onChange={(enabled) => void toggle(enabled)}
      />
    </span>
  );
}
