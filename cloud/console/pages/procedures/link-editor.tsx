import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { ProcedureLink } from "#core/model/procedure.ts";
import { named } from "../../i18n/language.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { useNames } from "../../ui/use-names.ts";
import { PointInput } from "../definitions/point-input.tsx";

type Kind = ProcedureLink["kind"] | "none";
const KINDS: readonly Kind[] = ["none", "camera", "door", "command"];

/** A link of a kind, with nothing chosen yet. */
function emptyLink(kind: Kind): ProcedureLink | undefined {
  switch (kind) {
    case "none":
      return undefined;
    case "camera":
      return { kind, device: "" };
    case "door":
      return { kind, door: "" };
    case "command":
      return { kind, point: "", value: true };
    default:
      return kind satisfies never;
  }
}

/** What was typed for a value: true, false, a number or else a text. */
function typedValue(text: string): boolean | number | string {
  if (text === "true" || text === "false") return text === "true";
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** What a step offers to open: a camera, a door, or a point with a suggested value. */
export function LinkEditor(props: {
  readonly link: ProcedureLink | undefined;
  readonly onChange: (link: ProcedureLink | undefined) => void;
}) {
  const { link, onChange } = props;
  const { t } = useTranslation();
  const id = useId();
  return (
    <>
      <label htmlFor={`${id}-kind`}>
        <span className="field-label">{t("procedure.link")}</span>
        <select
          id={`${id}-kind`}
          className="text-input"
          value={link?.kind ?? "none"}
          onChange={({ target }) => onChange(emptyLink(target.value as Kind))}
        >
          {KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {t(`procedure.linkKind.${kind}`)}
            </option>
          ))}
        </select>
      </label>
      {link !== undefined && <Target id={id} link={link} onChange={onChange} />}
    </>
  );
}

function Target(props: {
  readonly id: string;
  readonly link: ProcedureLink;
  readonly onChange: (link: ProcedureLink) => void;
}) {
  const { id, link, onChange } = props;
  const { t } = useTranslation();
  const { site } = useServices();
  const { devices } = useCell(site.names);
  const { language } = useNames();
  switch (link.kind) {
    case "camera":
      return (
        <label htmlFor={`${id}-device`}>
          <span className="field-label">{t("procedure.device")}</span>
          <select
            id={`${id}-device`}
            className="text-input"
            value={link.device}
            onChange={({ target }) => onChange({ ...link, device: target.value })}
          >
            <option value="" />
            {[...devices.values()]
              .filter(({ kind }) => kind.startsWith("camera"))
              .map((device) => (
                <option key={device.id} value={device.id}>
                  {named(device, language)}
                </option>
              ))}
          </select>
        </label>
      );
    case "door":
      return (
        <label htmlFor={`${id}-door`}>
          <span className="field-label">{t("procedure.door")}</span>
          <input
            id={`${id}-door`}
            className="text-input"
            maxLength={64}
            value={link.door}
            onChange={({ target }) => onChange({ ...link, door: target.value.trim() })}
          />
        </label>
      );
    case "command":
      return (
        <>
          <div>
            <label className="field-label" htmlFor={`${id}-point`}>
              {t("procedure.point")}
            </label>
            <PointInput
              id={`${id}-point`}
              value={link.point}
              disabled={false}
              onChange={(point) => onChange({ ...link, point })}
            />
          </div>
          <label htmlFor={`${id}-value`}>
            <span className="field-label">{t("procedure.value")}</span>
            <input
              id={`${id}-value`}
              className="text-input"
              maxLength={200}
              value={String(link.value)}
              onChange={({ target }) => onChange({ ...link, value: typedValue(target.value) })}
            />
          </label>
        </>
      );
    default:
      return link satisfies never;
  }
}
