import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, type ConsoleMessage, chromium, type Page } from "playwright-core";
import { peer } from "#tests/peers.ts";
import { ADMIN_PASSWORD, type Park } from "./park.ts";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Sides of the window that the console is made for, CSS pixels. */
export const WINDOW = { width: 1440, height: 900 } as const;

/** The peer's program, or undefined where it is not installed. */
export const chromiumFile = peer("chromium");

/** Starts the browser with a profile of its own, which goes when it is closed. */
export function startBrowser(): Promise<Browser> {
  if (chromiumFile === undefined) throw new Error("chromium is not installed");
  return chromium.launch({ executablePath: chromiumFile, args: FLAGS });
}

/** The browser's own words on the first question of a page that nobody has signed in at. */
export const NOT_SIGNED_IN = /status of 401 .*\/api\/v1\/session\)$/;
/** A picture may be told of before its bytes are here; the console asks again. */
export const NOT_YET_HERE = /status of 404 .*\/api\/v1\/blobs\/[0-9a-f]{64}\)$/;

/** How a browser comes to the console: nothing of it is remembered. */
export interface Visitor {
  readonly locale?: "zh-CN" | "en-GB";
  readonly colorScheme?: "light" | "dark";
}

/** A visitor with no cookie and no memory. Nothing moves on its pages, so that what is seen does not hang on the moment. */
export function visit(browser: Browser, park: Park, { locale = "zh-CN", colorScheme = "light" }: Visitor = {}) {
  return browser.newContext({
    baseURL: `http://${park.http}`,
    viewport: WINDOW,
    reducedMotion: "reduce",
    locale,
    colorScheme,
  });
}

/** Fills the sign-in form and submits it as the keyboard does. */
export async function signInAs(page: Page, username: string, password: string): Promise<void> {
  await page.getByTestId("sign-in-username").fill(username);
  await page.getByTestId("sign-in-password").fill(password);
  await page.getByTestId("sign-in-password").press("Enter");
}

/** Opens the console and signs in as the administrator. Gives the page when its alarm list is live. */
export async function openConsole(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto("/");
  await signInAs(page, "admin", ADMIN_PASSWORD);
  await page.getByTestId("alarm-grid").waitFor();
  await page.locator(".link-live").waitFor();
  return page;
}

/** What a browser complained of, and where else it asked. */
export class Watch {
  readonly complaints: string[] = [];
  readonly foreign: string[] = [];
  /** Pages loaded. */
  loads = 0;
  readonly #origins: readonly string[];
  readonly #expected: ((complaint: string) => boolean)[] = [];

  private constructor(park: Park) {
    this.#origins = [`http://${park.http}`, `ws://${park.http}`];
  }

  /** Watches everything that the pages of a context do from now on. */
  static async over(context: BrowserContext, park: Park): Promise<Watch> {
    const watch = new Watch(park);
    await context.addInitScript(
      `addEventListener("securitypolicyviolation", (event) =>
         console.error("violates the policy:", event.effectiveDirective, event.blockedURI, event.sourceFile))`,
    );
    context.on("request", (request) => watch.#asked(request.url()));
    context.on("console", (message) => watch.#said(message));
    context.on("weberror", (error) => watch.complaints.push(`uncaught: ${String(error.error())}`));
    context.on("page", (page) => {
      page.on("websocket", (socket) => watch.#asked(socket.url()));
      page.on("domcontentloaded", () => (watch.loads += 1));
    });
    return watch;
  }

  /** Complaints that match are the browser's own words on what a test does on purpose. Gives how to end that. */
  expect(pattern: RegExp): () => void {
    const matches = (complaint: string): boolean => pattern.test(complaint);
    this.#expected.push(matches);
    return () => this.#expected.splice(this.#expected.indexOf(matches), 1);
  }

  #asked(url: string): void {
    if (/^(data|blob|about):/.test(url) || this.#origins.includes(new URL(url).origin)) return;
    this.foreign.push(url);
  }

  #said(message: ConsoleMessage): void {
    if (message.type() !== "error" && message.type() !== "warning") return;
    const complaint = `${message.type()}: ${message.text()} (${message.location().url})`;
    if (!this.#expected.some((matches) => matches(complaint))) this.complaints.push(complaint);
  }
}

/**
 * What axe finds on a page as it stands that keeps people from using it, each with the first places. With `colours` alone it looks
 * at no other rules: a theme changes nothing else.
 */
export async function barriers(page: Page, { colours = false } = {}): Promise<string[]> {
  // The page has no frames: axe needs no second page to put their results together.
  const axe = new AxeBuilder({ page }).setLegacyMode();
  const { violations } = await (colours ? axe.withRules(["color-contrast", "link-in-text-block"]) : axe).analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, help, nodes }) =>
      nodes.slice(0, 5).map((node) => `${id}: ${help}: ${node.html} ${node.failureSummary ?? ""}`),
    );
}
