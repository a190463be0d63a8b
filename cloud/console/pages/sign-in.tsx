import { Button } from "antd";
import { type FormEvent, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "../api/error-text.ts";
import iconUrl from "../icon.svg";
import { useServices } from "../services-context.ts";
import { LanguageSwitch, ThemeSwitch } from "../shell/switches.tsx";
import { Icon } from "../ui/icon.tsx";
import "./sign-in.css";

/** Who are you? */
export function SignInPage({ expired }: { readonly expired: boolean }) {
  const { t } = useTranslation();
  const { session } = useServices();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [tried, setTried] = useState(false);
  const [error, setError] = useState<unknown>();

  useEffect(() => document.getElementById("username")?.focus(), []);
  const submit = async (): Promise<void> => {
    setTried(true);
    setError(undefined);
    if (username.trim() === "" || password === "") return;
    setBusy(true);
    try {
      await session.signIn(username.trim(), password);
    } catch (failure) {
      setError(failure);
      setPassword("");
      setTried(false);
      setBusy(false);
      document.getElementById("password")?.focus();
    }
  };
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    void submit();
  };

  return (
    <div className="sign-in">
      <div className="sign-in-tools">
        <LanguageSwitch />
        <ThemeSwitch />
      </div>
      <main className="sign-in-card">
        <header>
          <img src={iconUrl} alt="" />
          <div>
            <h1>{t("app.name")}</h1>
            <span className="soft">{t("app.claim")}</span>
          </div>
        </header>
        {expired && error === undefined && (
          <p className="form-note" role="status">
            {t("signIn.expired")}
          </p>
        )}
        {error !== undefined && (
          <p className="form-error" role="alert" data-testid="sign-in-error">
            <Icon name="warning" />
            {errorText(error, t)}
          </p>
        )}
        <form onSubmit={onSubmit} noValidate data-testid="sign-in-form">
          <label htmlFor="username">{t("signIn.username")}</label>
          <input
            className="text-input"
            id="username"
            data-testid="sign-in-username"
            autoComplete="username"
            maxLength={64}
            value={username}
            aria-invalid={tried && username.trim() === ""}
            onChange={({ target }) => setUsername(target.value)}
          />
          <p className="field-error">{tried && username.trim() === "" ? t("signIn.usernameMissing") : ""}</p>
          <label htmlFor="password">{t("signIn.password")}</label>
          <input
            className="text-input"
            id="password"
            data-testid="sign-in-password"
            type="password"
            autoComplete="current-password"
            maxLength={256}
            value={password}
            aria-invalid={tried && password === ""}
            onChange={({ target }) => setPassword(target.value)}
          />
          <p className="field-error">{tried && password === "" ? t("signIn.passwordMissing") : ""}</p>
          <Button type="primary" htmlType="submit" size="large" loading={busy} data-testid="sign-in-submit">
            {t(busy ? "signIn.submitting" : "signIn.submit")}
          </Button>
        </form>
      </main>
    </div>
  );
}
