import type { CurrentValue } from "#core/contracts/points.ts";
import type { Language } from "../i18n/language.ts";
import { unitText, type ValueShape, valueText } from "../i18n/value-text.ts";

/** A present value with its unit. What is not good is struck (bad) or dotted (uncertain), so that no number looks sound that is not. */
export function ValueText(props: {
  readonly current: CurrentValue;
  readonly shape: ValueShape;
  readonly language: Language;
}) {
  const { current, shape, language } = props;
  const unit = current.value === null ? "" : unitText(shape);
  return (
    <span className={`value value-${current.quality}`}>
      <b>{valueText(current.value, shape, language)}</b>
      {unit !== "" && <small>{unit}</small>}
    </span>
  );
}
