import { Modal } from "antd";
import { type FormEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "../api/error-text.ts";
import { useServices } from "../services-context.ts";
import { Icon } from "../ui/icon.tsx";

/** [GB/T 22239-2019 8.1.4.1, OWASP ASVS 5.0 V6.2.1] */
const SHORTEST = 12;

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly problem?: string | undefined;
  readonly onChange: (value: string) => void;
}

function Field({ name, label, value, problem, onChange }: FieldProps) {
  const id = useId();
  return (
    <>
      <label className="field-label" htmlFor={id}>
        {label}
      </label>
      <input
        id={id}
        className="text-input"
        type="password"
        data-testid={`password-${name}`}
        autoComplete={name === "current" ? "current-password" : "new-password"}
        maxLength={256}
        value={value}
        aria-invalid={problem !== undefined}
        onChange={({ target }) => onChange(target.value)}
      />
      <p className="field-error">{problem}</p>
    </>
  );
}

/** Changes the password of who is signed in. */
export default function PasswordDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  const { api } = useServices();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const [error, setError] = useState<unknown>();
  const [is, setIs] = useState<"open" | "busy" | "done">("open");
  const formId = useId();
  const differs = again !== "" && again !== next;
  const complete = current !== "" && next.length >= SHORTEST && next === again;

  const submit = async (): Promise<void> => {
    setError(undefined);
    setIs("busy");
    try {
      await api.changePassword({ current, password: next });
      setIs("done");
    } catch (failure) {
      setError(failure);
      setIs("open");
    }
  };
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    if (complete && is === "open") void submit();
  };

  if (is === "done")
    return (
      <Modal open title={t("password.title")} footer={null} onCancel={onClose}>
        <p role="status" data-testid="password-done">
          <Icon name="check" /> {t("password.done")}
        </p>
      </Modal>
    );
  const testId = { "data-testid": "password-submit" };
  return (
    <Modal
      open
      title={t("password.title")}
      okText={t("password.submit")}
      cancelText={t("common.cancel")}
      okButtonProps={{ disabled: !complete, loading: is === "busy", htmlType: "submit", form: formId, ...testId }}
      onCancel={onClose}
    >
      <form id={formId} onSubmit={onSubmit} noValidate>
        {error !== undefined && (
          <p className="form-error" role="alert" data-testid="password-error">
            <Icon name="warning" />
            {errorText(error, t)}
          </p>
        )}
        <Field name="current" label={t("password.current")} value={current} onChange={setCurrent} />
        <Field name="next" label={t("password.next")} value={next} onChange={setNext} />
        <Field
          name="again"
          label={t("password.again")}
          value={again}
          problem={differs ? t("password.differs") : undefined}
          onChange={setAgain}
        />
        <p className="soft">{t("password.hint")}</p>
      </form>
    </Modal>
  );
}
