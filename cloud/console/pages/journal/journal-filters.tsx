import { Button } from "antd";
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { AlarmCategory, AlarmPriority, AlarmTransition, Law } from "#core/model/alarm.ts";
import { type JournalFilter, journalCsvAddress } from "../../api/journal-api.ts";
import { named } from "../../i18n/language.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { Choice } from "../../ui/choice.tsx";
import { Icon } from "../../ui/icon.tsx";
import { ofSiteInput, siteInput } from "./journal-query.ts";

interface Props {
  readonly filter: JournalFilter;
  /** Changes some of the filter; undefined takes it away. */
  readonly onChange: (change: Readonly<Record<string, string | undefined>>) => void;
  readonly onClear: () => void;
  /** What else can be done with the journal, beside its export. */
  readonly children: ReactNode;
}

/** What of the journal is shown. Kept in the address, so that a search can be sent to somebody. */
export function JournalFilters({ filter, onChange, onClear, children }: Props) {
  const { t } = useTranslation();
  const { site, preferences } = useServices();
  const language = useCell(preferences.language);
  const spaces = [...useCell(site.names).spaces.values()];
  const filtered = Object.keys(filter).length > 0;
  return (
    <search className="journal-filters">
      <TextFilter label={t("journal.search")} name="q" value={filter.q} onChange={onChange} wide />
      <TimeFilter label={t("journal.from")} name="from" value={filter.from} onChange={onChange} />
      <TimeFilter label={t("journal.to")} name="to" value={filter.to} onChange={onChange} />
      <Choice
        label={t("journal.area")}
        any={t("common.all")}
        value={filter.area}
        options={spaces.map((space) => ({ value: space.id, label: named(space, language) }))}
        onChange={(area) => onChange({ area })}
      />
      <Choice
        label={t("journal.transition")}
        any={t("common.all")}
        value={filter.transition}
        options={AlarmTransition.enum.map((value) => ({ value, label: t(`alarm.transition.${value}`) }))}
        onChange={(transition) => onChange({ transition })}
      />
      <Choice
        label={t("journal.priority")}
        any={t("common.all")}
        value={filter.priority}
        options={AlarmPriority.enum.map((value) => ({ value, label: t(`alarm.priority.${value}`) }))}
        onChange={(priority) => onChange({ priority })}
      />
      <Choice
        label={t("journal.category")}
        any={t("common.all")}
        value={filter.category}
        options={AlarmCategory.enum.map((value) => ({ value, label: t(`alarm.category.${value}`) }))}
        onChange={(category) => onChange({ category })}
      />
      <Choice
        label={t("journal.law")}
        any={t("common.all")}
        value={filter.law}
        options={Law.enum.map((value) => ({ value, label: t(`alarm.law.${value}`) }))}
        onChange={(law) => onChange({ law })}
      />
      <TextFilter label={t("journal.actor")} name="actor" value={filter.actor} onChange={onChange} />
      <TextFilter label={t("journal.point")} name="point" value={filter.point} onChange={onChange} />
      {filtered && <Button onClick={onClear}>{t("journal.clear")}</Button>}
      <span className="journal-tools">
        {children}
        <Button
          href={journalCsvAddress(filter, language)}
          download
          icon={<Icon name="download" />}
          data-testid="journal-csv"
        >
          {t("journal.csv")}
        </Button>
      </span>
    </search>
  );
}

interface InputProps {
  readonly label: string;
  readonly name: string;
  readonly value: string | undefined;
  readonly wide?: boolean;
  readonly onChange: Props["onChange"];
}

/** A text that is looked for when Enter is pressed or the field is left: not with each letter. */
function TextFilter({ label, name, value = "", wide = false, onChange }: InputProps) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const look = (): void => {
    if (text.trim() !== value) onChange({ [name]: text.trim() });
  };
  return (
    <label className={wide ? "journal-field journal-wide" : "journal-field"}>
      <span className={wide ? "visually-hidden" : undefined}>{label}</span>
      <input
        className="text-input"
        type={wide ? "search" : "text"}
        placeholder={wide ? label : undefined}
        maxLength={wide ? 100 : 300}
        data-testid={`journal-${name}`}
        value={text}
        onChange={({ target }) => setText(target.value)}
        onBlur={look}
        onKeyDown={({ key, nativeEvent }) => {
          if (key === "Enter" && !nativeEvent.isComposing) look();
        }}
      />
    </label>
  );
}

function TimeFilter({ label, name, value, onChange }: InputProps) {
  return (
    <label className="journal-field">
      <span>{label}</span>
      <input
        className="text-input"
        type="datetime-local"
        data-testid={`journal-${name}`}
        value={siteInput(value)}
        onChange={({ target }) => onChange({ [name]: ofSiteInput(target.value) })}
      />
    </label>
  );
}
