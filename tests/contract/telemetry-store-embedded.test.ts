import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedTelemetryStore } from "#cloud/history/embedded-store.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import { silentLogger } from "#core/logger.ts";
import { type TelemetryStoreHarness, telemetryStoreContract } from "./telemetry-store.ts";

const runs = process.env["PARKHUB_TEST_LONG"] === "1" ? 500 : 30;

function opener(sizes: { compactAt?: number; chunkAt?: number }): () => Promise<TelemetryStoreHarness> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "parkhub-history-"));
    const points = new PointNumbers();
    const options = { file: join(folder, "telemetry.db"), points, ...sizes };
    let store = await EmbeddedTelemetryStore.open(options, silentLogger);
    return {
      store,
      points,
      async reopen() {
        await store.close();
        store = await EmbeddedTelemetryStore.open(options, silentLogger);
        return store;
      },
      async remove() {
        await store.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  };
}

const traits = { knowsDuplicates: true, dropsAtOnce: true, runs };
telemetryStoreContract("embedded, all in the log", opener({}), traits);
telemetryStoreContract("embedded, compacted all the time", opener({ compactAt: 1, chunkAt: 8 }), traits);
