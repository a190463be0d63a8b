import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { BrowserContext } from "playwright-core";
import type { BulkAnswer } from "#core/contracts/alarm-acts.ts";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { ApiClient } from "../e2e/api-client.ts";
import { openConsole, startBrowser, visit } from "../e2e/browser.ts";
import { LiveClient } from "../e2e/live-client.ts";
import { Park, until } from "../e2e/park.ts";
import { AlarmField, PROBES, stormDefinition, withField } from "./alarms-site.ts";
import type { Bench, Figures } from "./bench.ts";
import { ConsoleEye, gridBesidePlain, routeKb } from "./console-grid.ts";

const SMOKE = process.env["PARKHUB_BENCH_SMOKE"] === "1";
const ALARMS = SMOKE ? 500 : 10_000;
const STORM_MS = SMOKE ? 1000 : 10_000;
/** Single alarms, and how far apart on average: no multiple of any period of ours. */
const LOOKED_FOR = SMOKE ? 10 : PROBES;
const APART_MS = 77;
/** How long each of two pages is watched at a time, and the updates of a second meanwhile. */
const GRID_MS = SMOKE ? 2000 : 5000;
const UPDATES_PER_S = 200;
const PATIENCE_MS = 90_000;
const COMMENT = "bench";

const percentile = (values: readonly number[], share: number): number | null => {
  const at = Math.max(0, Math.ceil(values.length * share) - 1);
  return values.toSorted((a, b) => a - b)[at] ?? null;
};

const rounded = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));

/** Rows of a database of the park that runs. */
function rows<T>(file: string, query: string): readonly T[] {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return db.prepare(query).all() as unknown as readonly T[];
  } finally {
    db.close();
  }
}

/** A park with the field, whoever looks at it, and what both say. */
class Storm {
  readonly #park: Park;
  readonly #field: AlarmField;
  readonly #client: ApiClient;
  readonly #live: LiveClient<AlarmView>;
  /** First bit of those that were let go last. */
  #fallen = 0;

  constructor(park: Park, field: AlarmField, client: ApiClient, live: LiveClient<AlarmView>) {
    this.#park = park;
    this.#field = field;
    this.#client = client;
    this.#live = live;
  }

  /** The storm's alarms as the live socket has told them. */
  alarms(): readonly AlarmView[] {
    return [...this.#live.items.values()].filter(({ definition }) =>
      definition.startsWith(stormDefinition(0).slice(0, -1)),
    );
  }

  /** Sets the storm's bits one after the other. */
  async ramp(value: boolean, ms: number): Promise<void> {
    await this.#field.ask({ t: "ramp", from: 0, to: ALARMS, value, ms });
  }

  /** All alarms of the storm, as field, gateway and journal of the cloud have them. */
  async raise(): Promise<Figures> {
    await this.#field.ask({ t: "rises", from: 0, to: ALARMS });
    await this.ramp(true, STORM_MS);
    const endedAt = performance.now();
    const { rises } = await this.#field.ask({ t: "rises", from: 0, to: ALARMS });
    await until("the alarms of the storm", () => (this.alarms().length >= rises ? true : undefined), PATIENCE_MS);
    const shownAfterMs = Math.round(performance.now() - endedAt);
    const journal = rows<{ definition: string; n: number }>(
      path.join(this.#park.data, "cloud", "records.db"),
      `SELECT definition, count(*) AS n FROM alarm_journal WHERE transition = 'raised' AND definition LIKE 'storm-%' GROUP BY definition`,
    );
    const held = this.#heldAtGateway();
    const raised = journal.length;
    const open = this.alarms().length;
    return {
      raised,
      lost: rises - Math.min(raised, held, open),
      doubled: journal.reduce((sum, { n }) => sum + n, 0) - raised + Math.max(0, open - rises, held - rises),
      shownAfterMs,
    };
  }

  /** Alarms of the storm in the gateway's own file, of which it lets nobody else read: a copy, made while it stands still. */
  #heldAtGateway(): number {
    const folder = mkdtempSync(path.join(os.tmpdir(), "parkhub-bench-alarms-"));
    const file = path.join(folder, "outbox.db");
    try {
      this.#park.kill("gw-1", "SIGSTOP");
      for (const part of ["", "-wal"])
        copyFileSync(path.join(this.#park.data, "gateways", "gw-1", `outbox.db${part}`), `${file}${part}`);
      this.#park.kill("gw-1", "SIGCONT");
      const [counted] = rows<{ n: number }>(
        file,
        `SELECT count(*) AS n FROM record WHERE kind = 'alarm' AND json_extract(value, '$.definition') LIKE 'storm-%'`,
      );
      return counted?.n ?? 0;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Acknowledges all of them as one act: until the live socket has told the last. */
  async acknowledge(): Promise<{ readonly ms: number; readonly answerMs: number }> {
    const items = this.alarms()
      .filter(({ acknowledged }) => !acknowledged)
      .map(({ id, occurrence }) => ({ id, occurrence }));
    const started = performance.now();
    const answered = this.#client
      .post<BulkAnswer>("/alarms/acknowledge", { items, comment: COMMENT })
      .then((answer) => ({ answer, ms: performance.now() - started }));
    await until(
      "the acknowledgements",
      () => (this.alarms().every(({ acknowledged }) => acknowledged) ? true : undefined),
      PATIENCE_MS,
    );
    const ms = performance.now() - started;
    const { answer, ms: answerMs } = await answered;
    const refused = answer.items.filter(({ problem }) => problem !== undefined).length;
    if (refused > 0) throw new Error(`${refused} acknowledgements were refused`);
    return { ms: Math.round(ms), answerMs: Math.round(answerMs) };
  }

  /** Ends all of the storm's alarms. */
  async end(): Promise<void> {
    await this.ramp(false, STORM_MS);
    await until("the end of the alarms", () => (this.alarms().length === 0 ? true : undefined), PATIENCE_MS);
  }

  /** Single alarms while others come at half the storm's pace: from the field's change to the painted row, ms. */
  async lookFor(eye: ConsoleEye): Promise<readonly number[]> {
    const load = this.ramp(true, STORM_MS * 2);
    const changedAt: number[] = [];
    for (let probe = 0; probe < LOOKED_FOR; probe++) {
      await sleep(APART_MS * (0.5 + Math.random()));
      changedAt.push((await this.#field.ask({ t: "set", bit: ALARMS + probe, value: true })).at);
    }
    const seen = await until(
      "the rows of the single alarms",
      async () => {
        const painted = await eye.painted();
        return painted.size >= LOOKED_FOR ? painted : undefined;
      },
      PATIENCE_MS,
    );
    await load;
    return changedAt.map((at, probe) => (seen.get(probe) ?? Number.POSITIVE_INFINITY) - at);
  }

  /** For so long alarms come and others go, as many of the one as of the other: each change is an update of a row. */
  async toggle(ms: number): Promise<void> {
    const count = Math.round((UPDATES_PER_S / 2) * (ms / 1000));
    const [rising, falling] = this.#fallen === 0 ? [0, count] : [count, 0];
    await Promise.all([
      this.#field.ask({ t: "ramp", from: rising, to: rising + count, value: true, ms }),
      this.#field.ask({ t: "ramp", from: falling, to: falling + count, value: false, ms }),
    ]);
    this.#fallen = falling;
  }

  /** Lets go what the first `toggle` of so long lets come. */
  async beforeToggles(ms: number): Promise<void> {
    const count = Math.round((UPDATES_PER_S / 2) * (ms / 1000));
    await this.#field.ask({ t: "ramp", from: 0, to: count, value: false, ms });
    this.#fallen = 0;
  }

  /** Changes that the live socket has told so far. */
  get told(): number {
    return this.#live.told.length;
  }
}

async function measure(
  park: Park,
  field: AlarmField,
  context: BrowserContext,
  say: (text: string) => void,
): Promise<Result> {
  const client = await park.signIn();
  const page = await openConsole(context);
  const routeGzipKb = await routeKb(context);
  const eye = await ConsoleEye.open(page);
  const live = await LiveClient.open<AlarmView>(client, "alarms");
  try {
    const storm = new Storm(park, field, client, live);
    await eye.frames(true);
    const raised = await storm.raise();
    const stormFrameP95Ms = percentile(await eye.frames(false), 0.95);
    say(`storm: ${JSON.stringify(raised)}`);
    const { ms: bulkAckMs, answerMs: bulkAnswerMs } = await storm.acknowledge();
    say(`acknowledged by one operation in ${bulkAckMs} ms, answered after ${bulkAnswerMs} ms`);
    await storm.end();
    await eye.look();
    const painted = await storm.lookFor(eye);
    await eye.rest();
    say(
      `single alarms painted: ${painted
        .map((ms) => Math.round(ms))
        .toSorted((a, b) => a - b)
        .join(" ")}`,
    );
    await until("the load to be shown", () => (storm.alarms().length >= ALARMS ? true : undefined), PATIENCE_MS);
    await storm.beforeToggles(GRID_MS);
    const grid = await gridBesidePlain(context, page, ALARMS, async () => {
      const before = storm.told;
      await storm.toggle(GRID_MS);
      return storm.told - before;
    });
    const { page: real, plain } = grid;
    say(`grid ${real.msPerS} ms/s, plain ${plain.msPerS} ms/s`);
    return {
      figures: {
        ...raised,
        stormFrameP95Ms: rounded(stormFrameP95Ms),
        bulkAckMs,
        bulkAnswerMs,
        fieldToConsoleP50Ms: percentile(painted, 0.5),
        fieldToConsoleP99Ms: percentile(painted, 0.99),
        consoleP99Ms: percentile(painted, 0.99),
        gridMsPerS: real.msPerS,
        gridLongestTaskMs: real.longestTaskMs,
        gridFramesPerS: real.framesPerS,
        gridRows: grid.rows,
        updatesPerS: grid.updatesPerS,
        routeGzipKb,
      },
      limit: { gridMsPerS: plain.msPerS, gridLongestTaskMs: plain.longestTaskMs, gridFramesPerS: plain.framesPerS },
      ratio: { gridMsPerS: Math.round((real.msPerS / plain.msPerS) * 100) / 100 },
    };
  } finally {
    live.close();
  }
}
type Result = Awaited<ReturnType<Bench>>;

/**
 * `npm run bench -- alarms`: a storm on the wire through a whole park, its acknowledgement as one act, single alarms from the field
 * to the painted row, and the alarm list beside a page of plain DOM with the same feed.
 */
export const alarms: Bench = async (say) => {
  const field = await AlarmField.start();
  try {
    say(`starting a park with ${ALARMS} alarms ...`);
    const park = await Park.start({}, "embedded", withField(field.port, ALARMS));
    try {
      const browser = await startBrowser();
      try {
        return await measure(park, field, await visit(browser, park), say);
      } finally {
        await browser.close();
      }
    } finally {
      await park.close();
    }
  } finally {
    field.close();
  }
};
