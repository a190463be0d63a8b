import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { BrowserContext, CDPSession, Page } from "playwright-core";
import { until } from "../e2e/park.ts";
import { probeMessage } from "./alarms-site.ts";
import { PLAIN_PAGE } from "./console-plain.ts";

/** What one page has done in a time. */
export interface PageWork {
  /** Time of tasks on its main thread, ms a second. */
  readonly msPerS: number;
  readonly longestTaskMs: number;
  readonly framesPerS: number;
}

/** The list beside the plain page, in turns and with the same feed. */
export interface GridResult {
  readonly page: PageWork;
  readonly plain: PageWork;
  /** Rows of the list. */
  readonly rows: number;
  readonly updatesPerS: number;
}

/** Turns of each page. A page that is not in front has no frames: so they take turns. */
const TURNS = 2;
/** A page that comes to the front shows what it has missed. */
const CATCH_UP_MS = 1000;

/** Keeps, in the page, when rows were painted, when frames came, and tasks that were long. */
const EYE = `
const [head, tail] = ${JSON.stringify(probeMessage(0).split("0"))};
window.eye = { painted: {}, frames: [], tasks: [], looks: false, counts: false };
new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) eye.tasks.push(duration); }).observe({ type: "longtask" });
const after = new MessageChannel();
let fresh = [];
after.port1.onmessage = () => { for (const probe of fresh) eye.painted[probe] = Date.now(); fresh = []; };
function find() {
  for (const row of document.querySelectorAll('[data-testid="alarm-row"]')) {
    const at = row.textContent.indexOf(head);
    if (at < 0) continue;
    const probe = parseInt(row.textContent.slice(at + head.length), 10);
    if (!(probe in eye.painted)) { eye.painted[probe] = null; fresh.push(probe); }
  }
  // What is there before the frame is painted with it; the message comes after the painting.
  if (fresh.length > 0) after.port2.postMessage(0);
}
let last = 0;
function frame(now) {
  if (eye.counts) { if (last > 0) eye.frames.push(now - last); last = now; } else last = 0;
  if (eye.looks) find();
  if (eye.counts || eye.looks) requestAnimationFrame(frame);
}
window.watch = (what, on) => { const idle = !eye.counts && !eye.looks; eye[what] = on; if (idle && on) requestAnimationFrame(frame); };
`;

/** Looks at a page as its user does. */
export class ConsoleEye {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  static async open(page: Page): Promise<ConsoleEye> {
    await page.evaluate(EYE);
    return new ConsoleEye(page);
  }

  /** From now on each single alarm is looked for at each frame. */
  async look(): Promise<void> {
    await this.#page.evaluate("watch('looks', true)");
  }

  async rest(): Promise<void> {
    await this.#page.evaluate("watch('looks', false)");
  }

  /** When each single alarm was painted, Unix ms. */
  async painted(): Promise<ReadonlyMap<number, number>> {
    const found = await this.#page.evaluate<Record<string, number | null>>("eye.painted");
    return new Map(Object.entries(found).flatMap(([probe, at]) => (at === null ? [] : [[Number(probe), at]])));
  }

  /** Begins or ends to measure the time between frames; gives those since it began, ms. */
  async frames(on: boolean): Promise<readonly number[]> {
    return this.#page.evaluate<number[]>(`watch('counts', ${on}), eye.frames.splice(0)`);
  }

  /** The longest task since that was last asked, ms; 0 when none was above 50 ms. */
  async longestTaskMs(): Promise<number> {
    const tasks = await this.#page.evaluate<number[]>("eye.tasks.splice(0)");
    return Math.round(Math.max(0, ...tasks));
  }
}

/** Gzipped JavaScript that the alarm page of somebody who is signed in loads before its list is live, kB. */
export async function routeKb(context: BrowserContext): Promise<number> {
  const page = await context.newPage();
  const scripts = new Map<string, Promise<number>>();
  page.on("response", (response) => {
    if (/\.js(\?|$)/.test(response.url()))
      scripts.set(
        response.url(),
        response.body().then((body) => gzipSync(body).length),
      );
  });
  await page.goto("/alarms");
  await page.getByTestId("alarm-grid").waitFor();
  await page.locator(".link-live").waitFor();
  const bytes = (await Promise.all(scripts.values())).reduce((sum, one) => sum + one, 0);
  await page.close();
  return Math.round(bytes / 1000);
}

/** Chromium's own account of a page. */
class Account {
  readonly #session: CDPSession;
  readonly #eye: ConsoleEye;
  #from = 0;

  private constructor(session: CDPSession, eye: ConsoleEye) {
    this.#session = session;
    this.#eye = eye;
  }

  static async open(context: BrowserContext, page: Page, eye: ConsoleEye): Promise<Account> {
    const session = await context.newCDPSession(page);
    // The thread's own time: what others do on the machine does not count.
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    return new Account(session, eye);
  }

  async #taskSeconds(): Promise<number> {
    const { metrics } = await this.#session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0;
  }

  async begin(): Promise<void> {
    await this.#eye.longestTaskMs();
    await this.#eye.frames(true);
    this.#from = await this.#taskSeconds();
  }

  async end(seconds: number): Promise<PageWork> {
    const work = (await this.#taskSeconds()) - this.#from;
    const frames = await this.#eye.frames(false);
    return {
      msPerS: Math.round((work * 1000) / seconds),
      longestTaskMs: await this.#eye.longestTaskMs(),
      framesPerS: Math.round(frames.length / seconds),
    };
  }
}

/** Opens the plain page beside the console, waits for `fewest` rows on both, and watches them in turns while `feed` lets alarms change
 * and tells how many changes were told. */
export async function gridBesidePlain(
  context: BrowserContext,
  page: Page,
  fewest: number,
  feed: () => Promise<number>,
): Promise<GridResult> {
  const folded = page.locator('[data-testid="fold-toggle"][aria-pressed="true"]');
  // To the browser a page that a bench answers comes from nowhere, and may ask no address of this machine else.
  await context.grantPermissions(["local-network-access"]);
  const plain = await context.newPage();
  await plain.route("**/plain", (route) => route.fulfill({ contentType: "text/html", body: PLAIN_PAGE }));
  await plain.goto("/plain");
  const rowsOf = async (): Promise<number> =>
    Number(await page.getByTestId("alarm-grid").getAttribute("aria-rowcount")) - 1;
  const rows = await until(`${fewest} rows on both pages`, async () => {
    // A flood folds the list, and the end of a flood unfolds it.
    if ((await folded.count()) > 0) await folded.dispatchEvent("click");
    const [one, other] = [await rowsOf(), await plain.evaluate<number>("rows()")];
    return Math.min(one, other) >= fewest ? one : undefined;
  });
  const sides = [
    { page, account: await Account.open(context, page, await ConsoleEye.open(page)), work: [] as PageWork[] },
    { page: plain, account: await Account.open(context, plain, await ConsoleEye.open(plain)), work: [] as PageWork[] },
  ] as const;
  let updates = 0;
  let seconds = 0;
  for (let turn = 0; turn < TURNS; turn++)
    for (const { page: shown, account, work } of sides) {
      await shown.bringToFront();
      await sleep(CATCH_UP_MS);
      await account.begin();
      const started = performance.now();
      updates += await feed();
      const took = (performance.now() - started) / 1000;
      seconds += took;
      work.push(await account.end(took));
    }
  await plain.close();
  const [real, other] = sides.map(({ work }) => together(work));
  if (real === undefined || other === undefined) throw new Error("there are two sides");
  return { page: real, plain: other, rows, updatesPerS: Math.round(updates / seconds) };
}

/** All turns of a page. */
function together(turns: readonly PageWork[]): PageWork {
  const mean = (of: (work: PageWork) => number): number =>
    Math.round(turns.reduce((sum, one) => sum + of(one), 0) / turns.length);
  return {
    msPerS: mean(({ msPerS }) => msPerS),
    longestTaskMs: Math.max(...turns.map(({ longestTaskMs }) => longestTaskMs)),
    framesPerS: mean(({ framesPerS }) => framesPerS),
  };
}
