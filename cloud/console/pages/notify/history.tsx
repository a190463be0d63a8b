import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { NotifyKind, type NotifyVersion } from "#core/contracts/notify.ts";
import { useLoad } from "../../api/use-load.ts";
import { usePages } from "../../api/use-pages.ts";
import { fullTime } from "../../i18n/format.ts";
import { useServices } from "../../services-context.ts";
import { Choice } from "../../ui/choice.tsx";
import { Icon } from "../../ui/icon.tsx";
import { MoreButton } from "../../ui/more-button.tsx";
import { EmptyState, ErrorState, LoadingState } from "../../ui/states.tsx";
import { useNames } from "../../ui/use-names.ts";
import type { PaneProps } from "./notify-data.ts";
import { versionBefore, versionChanges, versionName } from "./version-changes.ts";
import { fieldWord, versionWords } from "./version-words.ts";

/** Versions of one object that are looked through for the one before. */
const LOOKED_THROUGH = 200;

/** Who changed what of the notification, when and why; newest first. */
export function History({ data }: PaneProps) {
  const { t } = useTranslation();
  const { api } = useServices();
  const [kind, setKind] = useState<NotifyKind>();
  const list = usePages(`versions ${kind ?? "all"}`, (cursor, signal) => api.notify.versions({ kind, cursor }, signal));
  const { items } = list;
  return (
    <>
      <div className="notify-head">
        <Choice
          label={t("notify.type")}
          any={t("common.all")}
          value={kind}
          options={NotifyKind.enum.map((value) => ({ value, label: t(`notify.tab.${value}`) }))}
          onChange={setKind}
        />
        <Button icon={<Icon name="refresh" />} aria-label={t("notify.refresh")} onClick={list.reload} />
      </div>
      {items === undefined &&
        (list.loading ? <LoadingState /> : <ErrorState error={list.error} onRetry={list.reload} />)}
      {items?.length === 0 && (
        <>
          <EmptyState icon="audit" title={t("notify.noHistory")} />
          <MoreButton list={list} />
        </>
      )}
      {items !== undefined && items.length > 0 && (
        <div className="notify-scroll">
          <ol className="notify-versions" aria-label={t("notify.tab.history")} data-testid="notify-versions">
            {items.map((version) => (
              <Version
                key={`${version.kind} ${version.id} ${version.version}`}
                version={version}
                known={items}
                data={data}
              />
            ))}
          </ol>
          <MoreButton list={list} />
        </div>
      )}
    </>
  );
}

interface VersionProps {
  readonly version: NotifyVersion;
  readonly known: readonly NotifyVersion[];
  /** What things are called now. */
  readonly data: PaneProps["data"];
}

function Version({ version, known, data }: VersionProps) {
  const { t } = useTranslation();
  const { language } = useNames();
  const [open, setOpen] = useState(false);
  const { kind, version: number, document, by, why, at } = version;
  const act = document === null ? "removed" : number === 1 ? "made" : "changed";
  return (
    <li data-testid="notify-version">
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <time>{fullTime(at).slice(0, 19)}</time>
          <span className={`tag${act === "removed" ? " tag-warn" : ""}`}>{t(`notify.version.${act}`)}</span>
          <span className="soft">{t(`notify.tab.${kind}`)}</span>
          <strong>{versionName(version, versionBefore(version, known), language)}</strong>
          <span>{t("notify.version.by", { user: by })}</span>
          {why !== undefined && <q>{why}</q>}
        </summary>
        {open && <Changes version={version} known={known} data={data} />}
      </details>
    </li>
  );
}

/** Old and new of each field. The version before is asked for where the list does not hold it. */
function Changes({ version, known, data }: VersionProps) {
  const { t, i18n } = useTranslation();
  const { api } = useServices();
  const { language, place } = useNames();
  const { kind, id, document } = version;
  const near = versionBefore(version, known);
  const asks = near === undefined && version.version > 1;
  const asked = useLoad(asks ? `versions ${kind} ${id}` : undefined, (signal) =>
    api.notify.versions({ kind, id, limit: LOOKED_THROUGH }, signal),
  );
  if (asks && asked.data === undefined)
    return asked.loading ? <LoadingState /> : <ErrorState error={asked.error} onRetry={asked.reload} />;
  const before = near ?? versionBefore(version, asked.data?.items ?? []);
  const texts = { t, exists: (key: string) => i18n.exists(key) };
  const wordOf = (field: string) => fieldWord(kind, field, texts) ?? <code>{field}</code>;
  const nameIn = (all: readonly { readonly id: string; readonly document: unknown }[]) => (id: string) => {
    const kept = all.find((one) => one.id === id);
    return kept === undefined ? undefined : versionName(kept, undefined, language);
  };
  const words = versionWords(texts, {
    place,
    contact: nameIn(data.contacts),
    channel: nameIn(data.channels),
    position: nameIn(data.positions),
  });
  const changes = versionChanges(before?.document ?? null, document, words);
  if (changes.length === 0) return <p className="soft">{t("notify.version.nothingSeen")}</p>;
  return (
    <dl className="facts notify-diff">
      {changes.map(({ field, old, now }) => (
        <div key={field} className="fact">
          <dt>{wordOf(field)}</dt>
          <dd>
            {old !== undefined && <del>{old}</del>} {old !== undefined && now !== undefined && "→ "}
            {now !== undefined && <ins>{now}</ins>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
