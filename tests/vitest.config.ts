import path from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Small files that take long. Without a record of earlier runs large files come first: these would be left for the end. */
const LONG = [
  "bacnet.test",
  "bad-network",
  "burglar-panel",
  "cloud-cut",
  "edge-uplink",
  "edge-video-clip",
  "field-recovery",
  "ingest-copies",
  "ingest-kill",
  "job-queue-bullmq",
  "job-queue-kills",
  "job-queue-redis",
  "new-driver",
  "onvif-events",
  "onvif-silence",
  "opcua-events",
  "opcua.test",
  "park.test",
  "records-postgresql",
  "rtsp-simulator-peer",
  "sia-dc09.test",
  "telemetry-store-embedded",
];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => LONG.some((name) => moduleId.includes(`/${name}`));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/**
 * Tests run in processes of their own, two at a time where `run.mjs` says nothing else; paths of files are given from the
 * repository's root. Cases that say that they are concurrent do little but wait.
 */
export default defineConfig({
  root: path.resolve(import.meta.dirname, ".."),
  test: {
    include: ["tests/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    maxConcurrency: 4,
    sequence: { sequencer: LongFirst },
    testTimeout: 20_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000, interval: 25 } },
  },
});
