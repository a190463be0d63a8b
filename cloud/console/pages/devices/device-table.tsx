import { useTranslation } from "react-i18next";
import type { DeviceView } from "#core/contracts/devices.ts";
import { shortTime } from "../../i18n/format.ts";
import { named } from "../../i18n/language.ts";
import { zhCN } from "../../i18n/zh-cn.ts";
import { useNow } from "../../live/hooks.ts";
import { protocolText } from "../../ui/protocol-text.ts";
import { reasonText } from "../../ui/quality-badge.tsx";
import { useNames } from "../../ui/use-names.ts";

type KindKey = keyof typeof zhCN.device.kind;
const isKindKey = (kind: string): kind is KindKey => Object.hasOwn(zhCN.device.kind, kind);

/** What kind of device it is, in words; a kind of the site's own as it is written. */
export function useKindText(): (kind: string) => string {
  const { t } = useTranslation();
  return (kind) => (isKindKey(kind) ? t(`device.kind.${kind}`) : kind);
}

/** The devices of a place, and whether they answer. */
export function DeviceTable(props: {
  readonly devices: readonly DeviceView[];
  readonly onSelect: (id: string) => void;
}) {
  const { t } = useTranslation();
  const kindText = useKindText();
  const names = useNames();
  const now = useNow(60_000);
  return (
    <div className="table">
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">{t("device.column.name")}</th>
            <th scope="col">{t("device.column.state")}</th>
            <th scope="col">{t("device.column.kind")}</th>
            <th scope="col">{t("device.column.protocol")}</th>
            <th scope="col">{t("device.column.place")}</th>
            <th scope="col" className="number">
              {t("device.column.points")}
            </th>
          </tr>
        </thead>
        <tbody>
          {props.devices.map((device) => (
            <tr key={device.id} data-testid="device-row">
              <td>
                <button type="button" className="plain cell-link" onClick={() => props.onSelect(device.id)}>
                  {named(device, names.language)}
                </button>
              </td>
              <td>
                {device.online ? (
                  <span className="soft">{t("device.online")}</span>
                ) : (
                  <>
                    <span className="tag tag-bad">{t("device.offline")}</span>{" "}
                    <span className="soft">
                      {device.reason === undefined ? "" : reasonText(device.reason, t)}{" "}
                      {device.since === undefined ? "" : t("device.since", { time: shortTime(device.since, now) })}
                    </span>
                  </>
                )}
              </td>
              <td>{kindText(device.kind)}</td>
              <td className="soft">{protocolText(device.protocol)}</td>
              <td className="soft">{names.place(device.space)}</td>
              <td className="number">{device.points}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
