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
const WORKPLACE = "parkhub.workplace";
const WORKPLACE_KEPT = "parkhub.workplace.kept";
const VOLUME = "parkhub.volume";
const POSITION = "parkhub.position";
const FILTERS = "parkhub.filters.";

/** Loudness when nobody has chosen one. */
const FIRST_VOLUME = 0.5;
/** Longest name of a workplace, characters: what the cloud takes. */
export const LONGEST_WORKPLACE = 64;

/** Language, theme, workplace and sound of this browser. */
export class Preferences {
  readonly language: Cell<Language>;
  readonly theme: Cell<Theme>;
  /** Name of the workplace (station) that every act carries into the journal. [AL-02] */
  readonly workplace: Cell<string>;
  /** Has somebody looked at the name that was made up? */
  readonly workplaceKept: Cell<boolean>;
  /** Loudness of the alarm sound, 0 to 1. */
  readonly volume: Cell<number>;
  /** Id of the operator position whose alarms are heard here; empty: all. */
  readonly position: Cell<string>;
  readonly #memory: Memory;

  /** `mark`: four letters or digits that tell this browser from the next one. */
  constructor(
    memory: Memory,
    browser: { readonly languages: readonly string[]; readonly dark: boolean; readonly mark: string },
  ) {
    this.#memory = memory;
    this.language = new Cell(chooseLanguage(memory.read(LANGUAGE), browser.languages));
    const theme = memory.read(THEME);
    this.theme = new Cell<Theme>(theme === "light" || theme === "dark" ? theme : browser.dark ? "dark" : "light");
    const remembered = memory.read(WORKPLACE);
    const madeUp = `${this.language.get() === "en" ? "Workplace" : "工作台"}-${browser.mark}`;
    this.workplace = new Cell(remembered ?? madeUp);
    // The made-up name stays the same until it is changed.
    if (remembered === null) memory.write(WORKPLACE, madeUp);
    this.workplaceKept = new Cell(memory.read(WORKPLACE_KEPT) === "yes");
    const volume = Number(memory.read(VOLUME) ?? FIRST_VOLUME);
    this.volume = new Cell(volume >= 0 && volume <= 1 ? volume : FIRST_VOLUME);
    this.position = new Cell(memory.read(POSITION) ?? "");
  }

  /** Names the workplace; an empty name keeps the old one. Nobody is asked again. */
  setWorkplace(name: string): void {
    const given = name.trim().slice(0, LONGEST_WORKPLACE);
    if (given !== "") {
      this.#memory.write(WORKPLACE, given);
      this.workplace.set(given);
    }
    this.#memory.write(WORKPLACE_KEPT, "yes");
    this.workplaceKept.set(true);
  }

  /** `volume`: 0 to 1. */
  setVolume(volume: number): void {
    this.#memory.write(VOLUME, String(volume));
    this.volume.set(volume);
  }

  /** `position`: its id, empty for all. */
  setPosition(position: string): void {
    this.#memory.write(POSITION, position);
    this.position.set(position);
  }

  /** The saved filters of a user, as they were written. */
  readFilters(user: string): string | null {
    return this.#memory.read(FILTERS + user);
  }

  writeFilters(user: string, text: string): void {
    this.#memory.write(FILTERS + user, text);
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
