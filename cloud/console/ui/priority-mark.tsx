import { useTranslation } from "react-i18next";
import type { AlarmPriority } from "#core/model/alarm.ts";

const SHAPES: Readonly<Record<AlarmPriority, string>> = {
  urgent: "M6 .8 11.6 11H.4z",
  high: "M6 .4 11.600 6 6 11.600 .4 6z",
  medium: "M1.200 1.200h9.600v9.600H1.200z",
  low: "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1Z",
};

/** The shape of a priority alone; its text must stand beside it. */
export function PriorityShape({ priority }: { readonly priority: AlarmPriority }) {
  return (
    <svg className="shape" viewBox="0 0 12 12" aria-hidden="true" focusable="false">
      <path d={SHAPES[priority]} />
    </svg>
  );
}

interface MarkProps {
  readonly priority: AlarmPriority;
  readonly quiet?: boolean;
}

/** A mark whose text is given: in a list of many rows nothing is looked up for each of them. */
export function PriorityLabel({ priority, quiet = false, text }: MarkProps & { readonly text: string }) {
  return (
    <span className={`mark mark-${priority}${quiet ? " mark-quiet" : ""}`}>
      <PriorityShape priority={priority} />
      {text}
    </span>
  );
}

/** A priority by colour, shape and text. Filled while nobody has acknowledged, outlined after. */
export function PriorityMark(props: MarkProps) {
  const { t } = useTranslation();
  return <PriorityLabel {...props} text={t(`alarm.priority.${props.priority}`)} />;
}
