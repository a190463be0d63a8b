import { useTranslation } from "react-i18next";
import type { CurrentValue } from "#core/contracts/points.ts";
import { age, fullTime } from "../i18n/format.ts";
import type { Translate } from "../i18n/index.ts";
import { zhCN } from "../i18n/zh-cn.ts";

type QualityKey = keyof typeof zhCN.quality;
const isQualityKey = (reason: string): reason is QualityKey => Object.hasOwn(zhCN.quality, reason);

/** A quality reason in words; a protocol's own reason as it is. */
export function reasonText(reason: string, t: Translate): string {
  return isQualityKey(reason) ? t(`quality.${reason}`, { age: "" }) : reason;
}

/** The quality and its reason in one text. */
export function qualityText(current: Pick<CurrentValue, "quality" | "reason">, t: Translate): string {
  const quality = t(`quality.${current.quality}`);
  return current.reason === undefined ? quality : `${quality} · ${reasonText(current.reason, t)}`;
}

/** How long ago a time was, in words. */
export function ageText(iso: string | null, nowMs: number, t: Translate): string {
  if (iso === null) return t("quality.neverObserved");
  const { unit, count } = age(nowMs - Date.parse(iso));
  return t("quality.observed", { age: t(`age.${unit}`, { count }) });
}

/** How far a value can be trusted, and why not. Good is shown without colour. */
export function QualityBadge({ current }: { readonly current: CurrentValue }) {
  const { t } = useTranslation();
  const text = qualityText(current, t);
  return (
    <span className={`quality quality-${current.quality}`} title={`${text} · ${fullTime(current.observedAt)}`}>
      <i aria-hidden="true">{current.quality === "good" ? "" : current.quality === "bad" ? "✕" : "?"}</i>
      {text}
    </span>
  );
}
