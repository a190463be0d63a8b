import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedTelemetryStore } from "#cloud/history/embedded-store.ts";
import { silentLogger } from "#core/logger.ts";
import { type TelemetryStoreHarness, telemetryStoreContract } from "./telemetry-store.ts";

function opener(compactAt?: number): () => Promise<TelemetryStoreHarness> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "parkhub-history-"));
    const options = { file: join(folder, "telemetry.db"), ...(compactAt === undefined ? {} : { compactAt }) };
    let store = await EmbeddedTelemetryStore.open(options, silentLogger);
    return {
      store,
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

telemetryStoreContract("embedded, all in the log", opener());
telemetryStoreContract("embedded, compacted all the time", opener(100));
