import { chooseLanguage, type Language } from "./i18n/language.ts";
import { Cell } from "./live/cell.ts";

export type Theme = "light" | "dark";

/** What the browser keeps between visits; a browser that keeps nothing is fine. */
export interface Memory {
  read(name: string): string | null;
  write(name: string, value: string): void;
}

const LANGUAGE = "parkhub.language";
const THEME = "parkhub.theme";

/** Language and theme of this browser. */
export class Preferences {
  readonly language: Cell<Language>;
  readonly theme: Cell<Theme>;
  readonly #memory: Memory;

  constructor(memory: Memory, browser: { readonly languages: readonly string[]; readonly dark: boolean }) {
    this.#memory = memory;
    this.language = new Cell(chooseLanguage(memory.read(LANGUAGE), browser.languages));
    const theme = memory.read(THEME);
    this.theme = new Cell<Theme>(theme === "light" || theme === "dark" ? theme : browser.dark ? "dark" : "light");
  }

  setLanguage(language: Language): void {
    this.#memory.write(LANGUAGE, language);
    this.language.set(language);
  }

  setTheme(theme: Theme): void {
    this.#memory.write(THEME, theme);
    this.theme.set(theme);
  }
}
