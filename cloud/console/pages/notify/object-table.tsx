import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { NotifyKind } from "#core/contracts/notify.ts";
import type { KeptView } from "../../api/notify-api.ts";
import { Icon } from "../../ui/icon.tsx";
import { EmptyState } from "../../ui/states.tsx";

interface Column<K extends NotifyKind> {
  readonly title: string;
  readonly cell: (kept: KeptView<K>) => ReactNode;
}

interface Props<K extends NotifyKind> {
  readonly kind: K;
  readonly items: readonly KeptView<K>[];
  readonly nameOf: (kept: KeptView<K>) => string;
  readonly columns: readonly Column<K>[];
  /** The editor of one, or of a new one. */
  readonly editor: (kept: KeptView<K> | undefined, close: () => void) => ReactNode;
}

/** A list of one kind: names are buttons that open the editor. */
export function ObjectTable<K extends NotifyKind>({ kind, items, nameOf, columns, editor }: Props<K>) {
  const { t } = useTranslation();
  const hint = t(`notify.hint.${kind as NotifyKind}`);
  const [open, setOpen] = useState<{ readonly kept: KeptView<K> | undefined }>();
  return (
    <>
      <div className="notify-head">
        <span className="soft">{hint}</span>
        <Button type="primary" data-testid="notify-new" onClick={() => setOpen({ kept: undefined })}>
          <Icon name="plus" />
          {t("notify.new")}
        </Button>
      </div>
      {items.length === 0 ? (
        <EmptyState icon="bell" title={t("notify.empty")} hint={hint} />
      ) : (
        <div className="notify-scroll">
          <table className="plain-table" data-testid={`notify-${kind}`}>
            <thead>
              <tr>
                <th scope="col">{t("notify.name")}</th>
                {columns.map(({ title }) => (
                  <th scope="col" key={title}>
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {items.map((kept) => (
                <tr key={kept.id}>
                  <td>
                    <button type="button" className="plain cell-link" onClick={() => setOpen({ kept })}>
                      {nameOf(kept)}
                    </button>
                  </td>
                  {columns.map(({ title, cell }) => (
                    <td key={title}>{cell(kept)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {open !== undefined && editor(open.kept, () => setOpen(undefined))}
    </>
  );
}
