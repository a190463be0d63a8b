import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { DeviceView } from "#core/contracts/devices.ts";
import { named } from "../../i18n/language.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { useNames } from "../../ui/use-names.ts";
import { type TreeRow, treeKey, treeRows } from "./tree-rows.ts";

const SPACE_ICONS: Readonly<Record<string, IconName>> = {
  site: "globe",
  building: "building",
  floor: "floor",
  room: "room",
  outdoor: "outdoor",
};
const deviceIcon = (kind: string): IconName => (kind.startsWith("camera") ? "camera" : "device");

interface Props {
  readonly devices: readonly DeviceView[];
  readonly selected: string | undefined;
  readonly onSelect: (row: TreeRow) => void;
}

/** Places with their devices, as a tree that the keyboard walks. */
export function PlaceTree({ devices, selected, onSelect }: Props) {
  const { t } = useTranslation();
  const { site } = useServices();
  const { spaces } = useCell(site.names);
  const { language } = useNames();
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [q, setQ] = useState("");
  const tree = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => treeRows({ spaces, devices, folded, q }), [spaces, devices, folded, q]);
  const at = Math.max(
    0,
    rows.findIndex(({ id }) => id === selected),
  );
  const fold = (id: string): void => {
    const next = new Set(folded);
    if (!next.delete(id)) next.add(id);
    setFolded(next);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const act = treeKey(event.key, rows, at);
    if (act === undefined) return;
    event.preventDefault();
    if ("fold" in act) {
      fold(act.fold);
      return;
    }
    const row = rows[act.go];
    if (row === undefined) return;
    onSelect(row);
    tree.current?.children[act.go]?.scrollIntoView({ block: "nearest" });
  };
  return (
    <>
      <label className={`search${q.trim() === "" ? "" : " filtering"}`}>
        <Icon name="filter" />
        <input
          type="search"
          aria-label={t("device.treeSearch")}
          placeholder={t("device.treeSearch")}
          value={q}
          onChange={({ target }) => setQ(target.value)}
        />
      </label>
      <div
        ref={tree}
        role="tree"
        className="tree"
        aria-label={t("device.tree")}
        aria-activedescendant={rows.length > 0 ? `tree-${at}` : undefined}
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        {rows.map((row, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the tree itself takes the keys.
          // biome-ignore lint/a11y/useFocusableInteractive: the tree keeps the focus and names its active row.
          <div
            key={row.id}
            id={`tree-${index}`}
            role="treeitem"
            aria-level={row.depth + 1}
            aria-selected={row.id === selected}
            aria-expanded={row.is === "space" && !row.leaf ? row.open : undefined}
            className={`tree-row${row.id === selected ? " tree-selected" : ""}${row.is === "device" ? " tree-device" : ""}`}
            style={{ paddingLeft: 4 + row.depth * 12 }}
            data-testid={row.is === "device" ? "tree-device" : "tree-space"}
            data-id={row.id}
            onClick={() => onSelect(row)}
          >
            {/* biome-ignore lint/a11y/noStaticElementInteractions: folding is on the arrow keys. */}
            {/* biome-ignore lint/a11y/useKeyWithClickEvents: folding is on the arrow keys. */}
            <span
              className={`fold${row.is === "space" && row.open ? " fold-open" : ""}`}
              onClick={(event) => {
                if (row.is !== "space" || row.leaf) return;
                event.stopPropagation();
                fold(row.id);
              }}
            >
              {row.is === "space" && !row.leaf && <Icon name="right" />}
            </span>
            <Icon name={row.is === "space" ? (SPACE_ICONS[row.space.kind] ?? "room") : deviceIcon(row.device.kind)} />
            <span className="cut">{named(row.is === "space" ? row.space : row.device, language)}</span>
            {row.is === "device" && !row.device.online && <span className="tag tag-bad">{t("device.offline")}</span>}
            {row.is === "space" && !row.open && row.offline > 0 && (
              <span className="tag tag-bad">{t("device.offlineCount", { count: row.offline })}</span>
            )}
          </div>
        ))}
      </div>
    </>
  );
}
