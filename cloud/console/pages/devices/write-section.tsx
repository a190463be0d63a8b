import { Button } from "antd";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { PointView } from "#core/contracts/points.ts";
import { newId } from "#core/ids.ts";
import type { Value } from "#core/model/sample.ts";
import { unitText, valueWithUnit } from "../../i18n/value-text.ts";
import { useCell } from "../../live/hooks.ts";
import { readInput } from "../../live/written-value.ts";
import { useServices } from "../../services-context.ts";
import { CommandStatus } from "../../ui/command-status.tsx";
import { useCommand } from "../../ui/use-command.ts";
import { useNames } from "../../ui/use-names.ts";
import { WriteDialog } from "./write-dialog.tsx";

/** The input that fits the kind of point. */
function ValueInput(props: {
  readonly point: PointView;
  readonly value: string;
  readonly onChange: (value: string) => void;
}) {
  const { t } = useTranslation();
  const { language } = useNames();
  const { point, value, onChange } = props;
  const states =
    point.states ??
    (point.kind === "boolean"
      ? [
          { value: 0, name: "关", nameEn: "Off" },
          { value: 1, name: "开", nameEn: "On" },
        ]
      : undefined);
  if (states !== undefined)
    return (
      <select
        id="write-value"
        className="write-choice"
        data-testid="write-value"
        value={value}
        onChange={({ target }) => onChange(target.value)}
      >
        <option value="">{t("write.choose")}</option>
        {states.map((state) => (
          <option key={state.value} value={state.value}>
            {language === "en" ? state.nameEn : state.name}
          </option>
        ))}
      </select>
    );
  return (
    <span className="text-input with-unit">
      <input
        id="write-value"
        data-testid="write-value"
        value={value}
        inputMode={point.kind === "string" ? "text" : "decimal"}
        onChange={({ target }) => onChange(target.value)}
      />
      <span className="soft">{unitText(point)}</span>
    </span>
  );
}

/** Writes the point, after a confirmation, and follows the command until the field has answered. */
export function WriteSection({ point }: { readonly point: PointView }) {
  const { t } = useTranslation();
  const { api, session } = useServices();
  const state = useCell(session.state);
  const may = state.is === "in" && state.permissions.has("command.write");
  const [input, setInput] = useState("");
  const [problem, setProblem] = useState<"invalid" | "outOfRange">();
  const [asked, setAsked] = useState<{ value: Value }>();
  const { command, error, run } = useCommand();
  const { language } = useNames();
  const readBack = typeof command === "object" ? command.readBack : undefined;

  const propose = (event: FormEvent): void => {
    event.preventDefault();
    const read = readInput(input, point);
    setProblem("problem" in read ? read.problem : undefined);
    if ("value" in read) setAsked(read);
  };
  const write = async (value: Value, reason: string | undefined): Promise<void> => {
    setAsked(undefined);
    const body = {
      point: point.id,
      value,
      idempotencyKey: newId(Date.now()),
      ...(reason === undefined ? {} : { reason }),
    };
    await run(() => api.requestCommand(body));
  };

  return (
    <section className="section write" data-testid="write-section">
      <h3>{t("write.title")}</h3>
      {may ? (
        <form onSubmit={propose}>
          <label htmlFor="write-value">{t("write.newValue")}</label>
          <div className="write-line">
            <ValueInput point={point} value={input} onChange={setInput} />
            <Button type="primary" htmlType="submit" data-testid="write-button">
              {t("write.write")}
            </Button>
            <Button
              data-testid="relinquish-button"
              title={t("write.relinquishHint")}
              onClick={() => setAsked({ value: null })}
            >
              {t("write.relinquish")}
            </Button>
          </div>
          <p className="field-error" role="alert">
            {problem === undefined ? "" : t(`write.${problem}`, { min: point.min ?? "…", max: point.max ?? "…" })}
          </p>
        </form>
      ) : (
        <p className="soft">{t("write.notAllowed")}</p>
      )}
      <CommandStatus
        name="write"
        command={command}
        error={error}
        readBack={readBack === undefined ? undefined : valueWithUnit(readBack, point, language)}
      />
      {asked !== undefined && (
        <WriteDialog
          point={point}
          value={asked.value}
          onCancel={() => setAsked(undefined)}
          onConfirm={(reason) => void write(asked.value, reason)}
        />
      )}
    </section>
  );
}
