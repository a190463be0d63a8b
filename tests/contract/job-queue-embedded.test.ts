import { EmbeddedJobQueue } from "#cloud/jobs/embedded-queue.ts";
import { silentLogger } from "#core/logger.ts";
import { CLOCK, jobQueueContract } from "./job-queue.ts";

jobQueueContract({
  name: "embedded",
  make: (db, _place, waits) => new EmbeddedJobQueue({ db, clock: CLOCK, logger: silentLogger, waits }),
});
