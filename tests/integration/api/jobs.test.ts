import { Check } from "typebox/value";
import { afterEach, beforeEach, expect, it } from "vitest";
import { EmbeddedJobQueue } from "#cloud/jobs/embedded-queue.ts";
import { JobsView } from "#core/contracts/jobs.ts";
import { HubError } from "#core/errors.ts";
import { type ParkApi, parkApi, type SignedIn } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";

let park: ParkApi;
let queue: EmbeddedJobQueue;
let as: SignedIn;
beforeEach(async () => {
  park = await parkApi();
  as = await park.person("engineer", { role: "engineer", space: PARK.root });
  queue = new EmbeddedJobQueue({ db: park.db, clock: park.clock, logger: park.log });
});
afterEach(async () => {
  await queue.close();
  await park.close();
});

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("the jobs of the hub are shown with those that failed for the last time, which can be given another round", async () => {
  queue.work(
    "report",
    async () => {
      throw new HubError("PAPER_OUT", "no paper");
    },
    { attempts: 1 },
  );
  queue.add({ kind: "report", key: "2026-11", data: { pages: 3 } });
  queue.add({ kind: "report", key: "later", runAt: park.clock.now() + 3_600_000 });
  await queue.start();
  park.clock.advance(1);
  await settled();
  const shown = (await park.ask("GET", "/jobs", { as })).json();
  expect(Check(JobsView, shown)).toBe(true);
  expect(shown).toMatchObject({ waiting: 1, active: 0, dead: 1 });
  expect(shown.deadJobs).toEqual([
    {
      kind: "report",
      key: "2026-11",
      data: { pages: 3 },
      attempt: 1,
      runAt: "2026-11-21T09:00:00.000Z",
      failedAt: expect.stringMatching(/^2026-11-21T09:00:00/),
      error: "PAPER_OUT: no paper",
    },
  ]);

  const payload = { kind: "report", key: "2026-11" };
  const again = await park.ask("POST", "/jobs/dead/retry", { as, payload });
  expect(again.json()).toMatchObject({ waiting: 2, dead: 0, deadJobs: [] });
  expect(park.deps.audit.list({ limit: 1 }).items[0]).toMatchObject({
    actor: "engineer",
    action: "job.retry",
    target: "report 2026-11",
    result: "ok",
  });
  const gone = await park.ask("POST", "/jobs/dead/retry", { as, payload });
  expect([gone.statusCode, gone.json().code]).toEqual([404, "JOB_UNKNOWN"]);
});

it("a request that names no job is refused", async () => {
  for (const payload of [{}, { kind: "report" }, { kind: "report", key: "" }, { kind: "a", key: "b", all: true }])
    expect((await park.ask("POST", "/jobs/dead/retry", { as, payload })).statusCode).toBe(400);
});
