// biome-ignore-all lint/a11y/useSemanticElements: a virtual grid of positioned rows can be no <table>; the roles are those of the ARIA grid pattern.
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid keeps the focus and names its active row, as the pattern allows.
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, memo, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { PointView } from "#core/contracts/points.ts";
import type { Translate } from "../../i18n/index.ts";
import { type Language, named } from "../../i18n/language.ts";
import { useNow } from "../../live/hooks.ts";
import { Icon } from "../../ui/icon.tsx";
import { ageText, QualityBadge } from "../../ui/quality-badge.tsx";
import { useNames } from "../../ui/use-names.ts";
import { ValueText } from "../../ui/value-text.tsx";

const ROW_PX = 36;

interface CellsProps {
  readonly point: PointView;
  /** Named when the points of several devices are listed. */
  readonly device: string | undefined;
  readonly language: Language;
  readonly t: Translate;
}

const PointCells = memo(function PointCells({ point, device, language, t }: CellsProps) {
  return (
    <>
      <span role="gridcell" className="point-name">
        <span className="cut">{named(point, language)}</span>
        {point.writable && (
          <span className="writable" title={t("device.writable")}>
            <Icon name="pen" />
            <span className="visually-hidden">{t("device.writable")}</span>
          </span>
        )}
      </span>
      <span role="gridcell" className="point-value" data-testid="point-value">
        <ValueText current={point.current} shape={point} language={language} />
      </span>
      <span role="gridcell">
        <QualityBadge current={point.current} />
      </span>
      {device !== undefined && (
        <span role="gridcell" className="cut soft">
          {device}
        </span>
      )}
    </>
  );
});

interface Props {
  readonly points: readonly PointView[];
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
  /** Is the device named in each row? When the points of several are listed. */
  readonly withDevice: boolean;
}

/** Points with live values; only the rows in sight exist. */
export function PointTable({ points, selected, onSelect, withDevice }: Props) {
  const { t } = useTranslation();
  const names = useNames();
  const now = useNow(1000);
  const viewport = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: points.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
    useFlushSync: false,
  });
  const at = points.findIndex(({ id }) => id === selected);
  const onKeyDown = (event: KeyboardEvent): void => {
    const step =
      event.key === "ArrowDown" || event.key === "j" ? 1 : event.key === "ArrowUp" || event.key === "k" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const to = Math.max(0, Math.min(points.length - 1, at + step));
    const point = points[to];
    if (point !== undefined) onSelect(point.id);
    virtual.scrollToIndex(to);
  };
  const columns = [
    t("device.column.name"),
    t("device.column.value"),
    t("device.column.quality"),
    ...(withDevice ? [t("device.devices")] : []),
    t("device.column.age"),
  ];
  return (
    <div
      ref={viewport}
      className={`table${withDevice ? " with-device" : ""}`}
      role="grid"
      aria-label={t("device.points")}
      aria-rowcount={points.length + 1}
      aria-activedescendant={at >= 0 ? `point-row-${at}` : undefined}
      tabIndex={0}
      data-testid="point-table"
      onKeyDown={onKeyDown}
    >
      <div role="row" aria-rowindex={1} className="table-row table-head">
        {columns.map((column) => (
          <span key={column} role="columnheader">
            {column}
          </span>
        ))}
      </div>
      <div role="rowgroup" className="table-rows" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const point = points[index];
          if (point === undefined) return null;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the grid itself takes the keys.
            <div
              key={point.id}
              id={`point-row-${index}`}
              role="row"
              aria-rowindex={index + 2}
              aria-selected={point.id === selected}
              className={`table-row${point.id === selected ? " row-cursor" : ""}`}
              style={{ transform: `translateY(${start}px)` }}
              data-testid="point-row"
              data-point={point.id}
              onClick={() => onSelect(point.id)}
            >
              <PointCells
                point={point}
                device={withDevice ? names.device(point.device) : undefined}
                language={names.language}
                t={t}
              />
              <span role="gridcell" className="soft">
                {ageText(point.current.observedAt, now, t)}
              </span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
