import { useTranslation } from "react-i18next";
import { useCell } from "../live/hooks.ts";
import { useServices } from "../services-context.ts";
import { Icon } from "../ui/icon.tsx";

/** To the other language. Its text is in the language that it leads to. */
export function LanguageSwitch() {
  const { t } = useTranslation();
  const { preferences } = useServices();
  const language = useCell(preferences.language);
  const other = language === "en" ? "zh-CN" : "en";
  return (
    <button
      type="button"
      className="plain language"
      lang={other}
      data-testid="language-switch"
      title={t("app.switchLanguageLabel")}
      onClick={() => preferences.setLanguage(other)}
    >
      <Icon name="globe" />
      {t("app.switchLanguage")}
    </button>
  );
}

/** To the other theme. */
export function ThemeSwitch() {
  const { t } = useTranslation();
  const { preferences } = useServices();
  const theme = useCell(preferences.theme);
  const label = t(theme === "dark" ? "app.themeLight" : "app.themeDark");
  return (
    <button
      type="button"
      className="plain"
      data-testid="theme-switch"
      aria-label={label}
      title={label}
      onClick={() => preferences.setTheme(theme === "dark" ? "light" : "dark")}
    >
      <Icon name={theme === "dark" ? "sun" : "moon"} />
    </button>
  );
}
