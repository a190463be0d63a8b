import process from "node:process";
import { EmbeddedTelemetryStore } from "#cloud/history/embedded-store.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import { silentLogger } from "#core/logger.ts";
import { telemetryWrite } from "#tests/contract/telemetry-writes.ts";
import { killBatch } from "./kill-batch.ts";

/* Started by the test as a process of its own: writes batch after batch from `from` on, and says which are durable. It is killed. */
const [file = "", from = "0"] = process.argv.slice(2);
const points = new PointNumbers();
const store = await EmbeddedTelemetryStore.open({ file, points, compactAt: 700, chunkAt: 40 }, silentLogger);
process.stdout.write("open\n");
for (let batch = Number(from); ; batch++) {
  await store.write(telemetryWrite(points, [killBatch(batch)]));
  process.stdout.write(`${batch}\n`);
  // Nights pass quickly here, so that every kind of work is under way when the end comes.
  if (batch % 40 === 39) void store.maintain({ rawBefore: 0, summariesBefore: 0 });
}
