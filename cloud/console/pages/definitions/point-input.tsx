import { useId } from "react";
import { useLoad } from "../../api/use-load.ts";
import { named } from "../../i18n/language.ts";
import { useServices } from "../../services-context.ts";
import { useNames } from "../../ui/use-names.ts";

/** So many letters before the cloud is asked, and so many points are offered. */
const LEAST = 2;
const OFFERED = 20;

/** A point by its id, with those offered whose id or name holds what was typed. */
export function PointInput(props: {
  readonly id: string;
  readonly value: string;
  readonly disabled: boolean;
  readonly onChange: (value: string) => void;
}) {
  const { id, value, disabled, onChange } = props;
  const { api } = useServices();
  const { language } = useNames();
  const list = useId();
  const wanted = !disabled && value.length >= LEAST ? value : undefined;
  const { data } = useLoad(wanted, (signal) => api.searchPoints(value, OFFERED, signal));
  return (
    <>
      <input
        id={id}
        className="text-input mono"
        list={list}
        value={value}
        disabled={disabled}
        maxLength={300}
        autoComplete="off"
        onChange={({ target }) => onChange(target.value.trim())}
      />
      <datalist id={list}>
        {(data?.items ?? []).map((point) => (
          <option key={point.id} value={point.id}>
            {named(point, language)}
          </option>
        ))}
      </datalist>
    </>
  );
}
