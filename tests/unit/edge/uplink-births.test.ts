import { describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { EdgeNodeSession } from "#core/sparkplug/edge-node-session.ts";
import { NodeBirths } from "#edge/uplink-births.ts";
import { CloudGreeting } from "#edge/uplink-greeting.ts";
import { DeviceMetrics, nodeMetrics } from "#edge/uplink-metrics.ts";
import { TelemetryUplink } from "#edge/uplink-telemetry.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { OutboxBench } from "./outbox-bench.ts";

describe("the births of a gateway", () => {
  const bench = new OutboxBench();

  function node() {
    const clock = new ManualClock(1_000_000);
    const outbox = bench.open();
    const session = new EdgeNodeSession({ group: "site", edgeNode: "gw", bdSeq: 0, node: nodeMetrics(outbox) });
    const metrics = new DeviceMetrics(session, outbox);
    const topics: string[] = [];
    const publish = ({ topic }: { topic: string }): void => void topics.push(topic);
    const current = (): undefined => undefined;
    const telemetry = new TelemetryUplink({ outbox, clock, logger: silentLogger, session, metrics, current, publish });
    let reborn = 0;
    const onReborn = (): void => void reborn++;
    const births = new NodeBirths({ session, outbox, telemetry, current, publish, onReborn, clock });
    return { clock, births, topics, reborn: () => reborn };
  }

  it("come once while hosts ask again and again, and not sooner than two seconds after the last", () => {
    const { clock, births, topics, reborn } = node();
    births.connected();
    expect(topics).toEqual(["spBv1.0/site/NBIRTH/gw"]);
    for (let times = 0; times < 5; times++) births.ask();
    clock.advance(1_999);
    expect(topics).toHaveLength(1);
    clock.advance(1);
    expect(topics).toHaveLength(2);
    expect([births.asked, reborn()]).toEqual([5, 1]);
  });

  it("are owed to nobody any more when the connection is gone", () => {
    const { clock, births, topics } = node();
    births.connected();
    births.ask();
    births.disconnected();
    births.ask();
    clock.advance(10_000);
    expect(topics).toHaveLength(1);
  });
});

describe("the cloud's greeting", () => {
  it("is awaited for each lane, and for a second only", () => {
    const clock = new ManualClock(1_000_000);
    const greeting = new CloudGreeting(clock);
    let over = 0;
    greeting.connected(() => void over++);
    expect([greeting.answered("events"), greeting.answered("events")]).toEqual([true, false]);
    expect([greeting.over("events"), greeting.over("telemetry")]).toEqual([true, false]);
    clock.advance(1_000);
    expect([greeting.over("telemetry"), over]).toEqual([true, 1]);
    greeting.connected(() => undefined);
    expect([greeting.over("events"), greeting.answered("events")]).toEqual([false, true]);
  });
});
