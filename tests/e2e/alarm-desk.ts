import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";

/** The alarm console as somebody without a mouse uses it. */
export class AlarmDesk {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** What can be read there, with single spaces; empty where nothing is. */
  async words(place: Locator): Promise<string> {
    if ((await place.count()) === 0) return "";
    return ((await place.first().textContent()) ?? "").replaceAll(/\s+/g, " ").trim();
  }

  text(testId: string): Promise<string> {
    return this.words(this.page.getByTestId(testId));
  }

  row(message: string): Locator {
    return this.page.getByTestId("alarm-row").filter({ hasText: message });
  }

  press(...keys: string[]): Promise<void> {
    return keys.reduce((before, key) => before.then(() => this.page.keyboard.press(key)), Promise.resolve());
  }

  /** Test id of what has the focus. */
  focused(): Promise<string | null> {
    return this.page.locator(":focus").first().getAttribute("data-testid");
  }

  /** Goes on with Tab, or back with Shift+Tab, until something has the focus. */
  async tabTo(testId: string, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
    const target = this.page.getByTestId(testId);
    for (let step = 0; step < 60; step++) {
      if (await target.evaluate((one) => one.matches(":focus"))) return;
      await this.press(key);
    }
    throw new Error(`${testId} cannot be reached by ${key}`);
  }

  /** Waits until the list has the focus: dialogs give it back. */
  async inList(): Promise<void> {
    await expect.poll(() => this.focused()).toBe("alarm-grid");
  }

  /** Walks down the list until the row of a message is the chosen one. The list must have the focus. */
  async walkTo(message: string): Promise<void> {
    await this.inList();
    await this.row(message).waitFor();
    await this.press("Home");
    for (let step = 0; step < 80; step++) {
      if ((await this.row(message).getAttribute("aria-selected")) === "true") return;
      await this.press("j");
    }
    throw new Error(`no row ${message} on the way down`);
  }

  /** Waits for the dialog of an act; its first field has the focus. */
  async dialog(field = "act-comment"): Promise<void> {
    await this.page.getByTestId("act-dialog").waitFor();
    await expect.poll(() => this.focused()).toBe(field);
  }

  /** Writes the word that the dialog asks for, confirms with Enter, and is back in the list. */
  async confirm(comment: string): Promise<void> {
    await this.page.keyboard.type(comment);
    await this.press("Enter");
    await expect.poll(() => this.page.getByTestId("act-dialog").count()).toBe(0);
    await this.inList();
  }

  /** How many the tab of a list names. */
  async tabCount(tab: string): Promise<number> {
    return Number(/\d+/.exec(await this.text(`tab-${tab}`))?.[0]);
  }
}
