import i18next, { type TFunction } from "i18next";
import { initReactI18next } from "react-i18next";
import { en } from "./en.ts";
import type { Language } from "./language.ts";
import { type Texts, zhCN } from "./zh-cn.ts";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    resources: { translation: Texts };
  }
}

/** Looks up a text; a wrong key is an error of the compiler. */
export type Translate = TFunction;

/** Starts the texts. Both languages are in the page: switching needs no request. */
export async function startTexts(language: Language): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources: { "zh-CN": { translation: zhCN }, en: { translation: en } },
    lng: language,
    fallbackLng: "zh-CN",
    supportedLngs: ["zh-CN", "en"],
    // React escapes by itself.
    interpolation: { escapeValue: false },
    showSupportNotice: false,
  } as Parameters<typeof i18next.init>[0]);
}

/** Switches the texts. */
export function switchTexts(language: Language): void {
  void i18next.changeLanguage(language);
}
