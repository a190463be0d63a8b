import type { SentenceLanguage } from "#core/linkage/sentence.ts";

/** A language of the console. */
export type Language = SentenceLanguage;
export const LANGUAGES: readonly Language[] = ["zh-CN", "en"];

/** The language to begin with: the remembered one, else the first of the browser's that we speak, else Chinese. */
export function chooseLanguage(remembered: string | null, browser: readonly string[]): Language {
  const known = LANGUAGES.find((language) => language === remembered);
  if (known) return known;
  for (const wanted of browser) {
    if (/^zh\b/i.test(wanted)) return "zh-CN";
    if (/^en\b/i.test(wanted)) return "en";
  }
  return "zh-CN";
}

/** The name in the language shown. */
export function named(thing: { readonly name: string; readonly nameEn: string }, language: Language): string {
  return language === "en" ? thing.nameEn : thing.name;
}
