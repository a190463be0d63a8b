/** Child process of the crash test: appends without end and says on stdout what is committed. */
import { systemClock } from "#core/clock.ts";
import { pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { Outbox } from "#edge/outbox.ts";

const [path = ""] = process.argv.slice(2);
const outbox = new Outbox({ path, clock: systemClock, logger: silentLogger });
const points = ["site/gw/a/x", "site/gw/b/y"].map(pointId);
outbox.numbers.register(points);
for (let round = 0; ; round++) {
  const base = outbox.state("telemetry").next;
  outbox.appendSamples(
    Array.from({ length: 20 }, (_, at) => ({
      point: points[at % 2] ?? pointId("site/gw/a/x"),
      value: round,
      quality: "good" as const,
      observedAt: base + at,
    })),
  );
  const finishedAt = outbox.state("events").next;
  outbox.append("events", { kind: "commandResult", result: { id: `c${finishedAt}`, status: "done", finishedAt } });
  outbox.put("command", "last", finishedAt);
  outbox.commit();
  process.stdout.write(`${outbox.epoch} ${outbox.state("telemetry").next - 1} ${outbox.state("events").next - 1}\n`);
}
