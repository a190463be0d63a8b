import { App, Modal } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { lawOf, mayLeaveService } from "#core/alarm/law.ts";
import type { PermitRequest } from "#core/contracts/maintenance.ts";
import { AlarmCategory } from "#core/model/alarm.ts";
import type { Space } from "#core/model/site.ts";
import { errorText } from "../../api/error-text.ts";
import { spacePath } from "../../api/site-names.ts";
import { shownTimeZone } from "../../i18n/format.ts";
import { instantOf } from "../../i18n/site-time.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { useNames } from "../../ui/use-names.ts";

const HOUR_MS = 3_600_000;
/** How long a permit may last, hours. */
const HOURS = [1, 2, 4, 8, 24, 72, 168] as const;
const TEST_ID = { "data-testid": "permit-submit" };
const CATEGORIES = AlarmCategory.enum.filter(mayLeaveService);

/** Places in the order of a tree: each below what it lies in. */
function inTreeOrder(spaces: ReadonlyMap<string, Space>): readonly { readonly space: Space; readonly depth: number }[] {
  const keyOf = (id: string): string =>
    spacePath(spaces, id)
      .map((one) => one.id)
      .reverse()
      .join("\n");
  return [...spaces.values()]
    .map((space) => ({ space, key: keyOf(space.id), depth: spacePath(spaces, space.id).length - 1 }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

interface Draft {
  readonly areas: readonly string[];
  readonly categories: readonly AlarmCategory[];
  readonly definitions: string;
  readonly later: boolean;
  readonly start: string;
  readonly hours: number;
  readonly reason: string;
  readonly workOrder: string;
}

/** What is asked for, or the text that says what is missing. */
function requestOf(draft: Draft): PermitRequest | "maintenance.incomplete" | "maintenance.startInvalid" {
  const definitions = draft.definitions
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const { areas, categories, later, start, hours } = draft;
  const [reason, workOrder] = [draft.reason.trim(), draft.workOrder.trim()];
  if (areas.length === 0 || categories.length + definitions.length === 0 || reason === "")
    return "maintenance.incomplete";
  const from = later ? instantOf(start, shownTimeZone()) : Date.now();
  if (from === undefined) return "maintenance.startInvalid";
  return {
    areas: [...areas],
    categories: [...categories],
    definitions,
    ...(later ? { from: new Date(from).toISOString() } : {}),
    // A little less where it begins now: until the request arrives the clock of the cloud has gone on, or is behind.
    until: new Date(from + hours * HOUR_MS - (hours === HOURS.at(-1) && !later ? 60_000 : 0)).toISOString(),
    reason,
    ...(workOrder === "" ? {} : { workOrder }),
  };
}

const toggled = <T,>(list: readonly T[], one: T): readonly T[] =>
  list.includes(one) ? list.filter((other) => other !== one) : [...list, one];

/** Asks for a maintenance permit. */
export function PermitForm({ onCancel, onAsked }: { readonly onCancel: () => void; readonly onAsked: () => void }) {
  const { t } = useTranslation();
  const { api } = useServices();
  const { message } = App.useApp();
  const [draft, setDraft] = useState<Draft>({
    areas: [],
    categories: [],
    definitions: "",
    later: false,
    start: "",
    hours: 2,
    reason: "",
    workOrder: "",
  });
  const [busy, setBusy] = useState(false);
  const [missing, setMissing] = useState<string>();
  const change = (fields: Partial<Draft>): void => {
    setDraft({ ...draft, ...fields });
    setMissing(undefined);
  };
  const send = async (): Promise<void> => {
    const request = requestOf(draft);
    if (typeof request === "string") {
      setMissing(t(request));
      return;
    }
    setBusy(true);
    try {
      await api.maintenance.request(request);
      void message.success(t("maintenance.requested"));
      onAsked();
    } catch (error) {
      setMissing(errorText(error, t));
      setBusy(false);
    }
  };
  return (
    <Modal
      open
      title={t("maintenance.request")}
      okText={t("maintenance.submit")}
      cancelText={t("common.cancel")}
      confirmLoading={busy}
      okButtonProps={TEST_ID}
      onOk={() => void send()}
      onCancel={onCancel}
    >
      <div className="permit-form">
        <Scope draft={draft} change={change} />
        <When draft={draft} change={change} />
        <div className="permit-row">
          <label>
            <span className="field-label">{t("maintenance.reason")}</span>
            <input
              className="text-input"
              data-testid="permit-reason"
              maxLength={500}
              required
              value={draft.reason}
              onChange={({ target }) => change({ reason: target.value })}
            />
          </label>
          <label>
            <span className="field-label">{t("maintenance.workOrder")}</span>
            <input
              className="text-input"
              maxLength={100}
              placeholder={t("maintenance.workOrderHint")}
              value={draft.workOrder}
              onChange={({ target }) => change({ workOrder: target.value })}
            />
          </label>
        </div>
        <p className="field-error" role="alert">
          {missing}
        </p>
      </div>
    </Modal>
  );
}

interface PartProps {
  readonly draft: Draft;
  readonly change: (fields: Partial<Draft>) => void;
}

/** Places and classes. */
function Scope({ draft, change }: PartProps) {
  const { t } = useTranslation();
  const { site } = useServices();
  const { spaces } = useCell(site.names);
  const names = useNames();
  const { areas, categories, definitions } = draft;
  return (
    <>
      <fieldset className="permit-choice">
        <legend className="field-label">
          {t("maintenance.areas")} <span className="soft">({t("maintenance.areasHint")})</span>
        </legend>
        <div className="permit-scroll">
          {inTreeOrder(spaces).map(({ space, depth }) => (
            <label key={space.id} style={{ paddingInlineStart: depth * 18 }}>
              <input
                type="checkbox"
                checked={areas.includes(space.id)}
                onChange={() => change({ areas: toggled(areas, space.id) })}
              />
              {names.space(space.id)}
            </label>
          ))}
        </div>
      </fieldset>
      <fieldset className="permit-choice">
        <legend className="field-label">{t("maintenance.categories")}</legend>
        <div className="permit-columns">
          {CATEGORIES.map((category) => (
            <label key={category}>
              <input
                type="checkbox"
                checked={categories.includes(category)}
                onChange={() => change({ categories: toggled(categories, category) })}
              />
              {t(`alarm.category.${category}`)}
            </label>
          ))}
        </div>
        <span className="soft">{t("maintenance.neverPanic")}</span>
        {categories.some((category) => lawOf(category) === "security") && (
          <p className="tag tag-warn" role="status">
            {t("maintenance.securityWarning")}
          </p>
        )}
      </fieldset>
      <label>
        <span className="field-label">{t("maintenance.definitions")}</span>
        <textarea
          className="text-input"
          rows={2}
          maxLength={20_000}
          placeholder={t("maintenance.definitionsHint")}
          value={definitions}
          onChange={({ target }) => change({ definitions: target.value })}
        />
      </label>
    </>
  );
}

/** Beginning and length. */
function When({ draft, change }: PartProps) {
  const { t } = useTranslation();
  const { later, start, hours } = draft;
  return (
    <div className="permit-row">
      <label>
        <span className="field-label">{t("maintenance.start")}</span>
        <select
          className="text-input"
          value={later ? "later" : "now"}
          onChange={({ target }) => change({ later: target.value === "later" })}
        >
          <option value="now">{t("maintenance.startNow")}</option>
          <option value="later">{t("maintenance.startAt")}</option>
        </select>
      </label>
      {later && (
        <label>
          <span className="field-label">{t("maintenance.startTime")}</span>
          <input
            className="text-input"
            type="datetime-local"
            value={start}
            onChange={({ target }) => change({ start: target.value })}
          />
        </label>
      )}
      <label>
        <span className="field-label">{t("maintenance.duration")}</span>
        <select className="text-input" value={hours} onChange={({ target }) => change({ hours: Number(target.value) })}>
          {HOURS.map((count) => (
            <option key={count} value={count}>
              {count < 24 ? t("maintenance.hours", { count }) : t("maintenance.days", { count: count / 24 })}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
