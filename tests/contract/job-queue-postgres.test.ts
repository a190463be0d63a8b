import { describe } from "vitest";
import { EmbeddedJobQueue } from "#cloud/jobs/embedded-queue.ts";
import { silentLogger } from "#core/logger.ts";
import { recordsOnPostgres } from "#tests/fixtures/cloud/record-databases.ts";
import { peer } from "#tests/peers.ts";
import { CLOCK, jobQueueContract } from "./job-queue.ts";

const program = peer("postgres");

describe.skipIf(program === undefined)("with its records on PostgreSQL", () => {
  if (program !== undefined) recordsOnPostgres(program);
  jobQueueContract({
    name: "embedded",
    make: (db, _place, waits) => new EmbeddedJobQueue({ db, clock: CLOCK, logger: silentLogger, waits }),
  });
});
