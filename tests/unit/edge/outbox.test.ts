import { copyFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Outbox } from "#edge/outbox.ts";
import { A, ack, B, event, OutboxBench, sample, values } from "./outbox-bench.ts";

describe("the outbox", () => {
  const bench = new OutboxBench();

  it("groups the samples of a tick by device and numbers them without a hole", () => {
    const outbox = bench.open();
    outbox.appendSamples([sample(A, 1), sample(B, 2), sample(A, 3)]);
    expect(outbox.commit()).toBe(true);
    const rows = outbox.telemetryAfter(0, 10);
    expect(rows.map(({ first, last, device }) => [first, last, device])).toEqual([
      [1, 2, "site/gw/a"],
      [3, 3, "site/gw/b"],
    ]);
    expect(rows[0]?.samples).toEqual([
      { number: outbox.numbers.numberOf(A), value: 1, quality: "good", observedAt: 1 },
      { number: outbox.numbers.numberOf(A), value: 3, quality: "good", observedAt: 3 },
    ]);
  });

  it("puts at most 200 samples into one row", () => {
    const outbox = bench.open();
    outbox.appendSamples(Array.from({ length: 450 }, (_, at) => sample(A, at)));
    outbox.commit();
    expect(outbox.telemetryAfter(0, 10).map(({ first, last }) => last - first + 1)).toEqual([200, 200, 50]);
  });

  it("begins another row where long texts would make a batch too large for one packet", () => {
    const outbox = bench.open();
    const text = "文".repeat(2_000);
    outbox.appendSamples(Array.from({ length: 100 }, (_, at) => ({ ...sample(A, at), value: text })));
    outbox.commit();
    const rows = outbox.telemetryAfter(0, 10);
    expect(rows.map(({ first, last }) => last - first + 1)).toEqual([32, 32, 32, 4]);
    expect(rows.at(-1)?.last).toBe(100);
  });

  it("loses nothing when more samples come in one tick than may wait for a disk that refuses", () => {
    const outbox = bench.open({ pendingSamples: 10 });
    for (let at = 0; at < 5; at++)
      outbox.appendSamples([sample(A, 3 * at), sample(A, 3 * at + 1), sample(A, 3 * at + 2)]);
    outbox.commit();
    expect(values(outbox)).toEqual(Array.from({ length: 15 }, (_, at) => at));
    expect(outbox.counters["droppedSamples"]).toBe(0);
  });

  it("refuses an item that is no JSON where it is queued, and commits all the others", () => {
    const outbox = bench.open();
    const data = { count: 1n as unknown as number };
    const odd = { id: "odd", device: "site/gw/a", kind: "motion", observedAt: 1, data };
    expect(() => outbox.append("events", { kind: "deviceEvent", event: odd })).toThrow(TypeError);
    event(outbox, "e1");
    expect(outbox.commit()).toBe(true);
    expect(outbox.itemsAfter("events", 0, 10)).toHaveLength(1);
  });

  it("refuses an item that fits no packet: it would hold up its lane for ever", () => {
    const outbox = bench.open();
    const text = "x".repeat(300_000);
    expect(outbox.append("events", { kind: "notify", text, textEn: "", popup: false })).toBe(false);
    expect(outbox.counters["oversizeItems"]).toBe(1);
    expect(event(outbox, "e1")).toBe(true);
  });

  it("offers nothing before it is committed", () => {
    const outbox = bench.open();
    outbox.appendSamples([sample(A, 1)]);
    event(outbox, "e1");
    expect(outbox.telemetryAfter(0, 10)).toEqual([]);
    expect(outbox.itemsAfter("events", 0, 10)).toEqual([]);
  });

  it("goes on after a restart with the same epoch, the next offsets and the same point numbers", () => {
    const first = bench.open();
    first.appendSamples([sample(A, 1), sample(A, 2)]);
    event(first, "e1");
    first.put("lease", "key", { until: 5 });
    const { epoch } = first;
    const number = first.numbers.numberOf(B);
    bench.close(first);
    const second = bench.open();
    expect(second.epoch).toBe(epoch);
    expect(second.numbers.numberOf(B)).toBe(number);
    expect(second.lastObservedAt).toBe(2);
    expect(second.records("lease").get("key")).toEqual({ until: 5 });
    second.appendSamples([sample(B, 3)]);
    second.commit();
    expect(second.telemetryAfter(2, 10).map(({ first: offset }) => offset)).toEqual([3]);
  });

  it("never gives the number of a point to another, also not when the first is gone", () => {
    const outbox = bench.open();
    const numbers = [A, B].map((id) => outbox.numbers.numberOf(id));
    outbox.numbers.register(["site/gw/c/z"]);
    expect(numbers).not.toContain(outbox.numbers.numberOf("site/gw/c/z"));
    expect(outbox.numbers.idOf(outbox.numbers.numberOf(A))).toBe(A);
  });

  it("trims what is acked in its own epoch, and never spends an offset twice", () => {
    const outbox = bench.open();
    outbox.appendSamples([sample(A, 1), sample(A, 2)]);
    outbox.commit();
    expect(ack(outbox, "telemetry", 2)).toBe("trimmed");
    outbox.commit();
    expect(outbox.telemetryAfter(0, 10)).toEqual([]);
    expect(outbox.state("telemetry")).toMatchObject({ count: 0, bytes: 0, acked: 2, next: 3 });
    bench.close(outbox);
    const again = bench.open();
    again.appendSamples([sample(A, 3)]);
    again.commit();
    expect(again.telemetryAfter(0, 10)[0]?.first).toBe(3);
  });

  it("keeps a row that is acked only in part", () => {
    const outbox = bench.open();
    outbox.appendSamples([sample(A, 1), sample(A, 2)]);
    outbox.commit();
    ack(outbox, "telemetry", 1);
    outbox.commit();
    expect(values(outbox)).toEqual([1, 2]);
  });

  it("ignores an ack of another epoch and one it knows already", () => {
    const outbox = bench.open();
    outbox.appendSamples([sample(A, 1)]);
    outbox.commit();
    expect(outbox.acknowledge({ lane: "telemetry", epoch: "0".repeat(32), upTo: 1 })).toBe("foreign");
    expect(outbox.acknowledge({ lane: "telemetry", epoch: outbox.epoch, upTo: 0 })).toBe("known");
    outbox.commit();
    expect(values(outbox)).toEqual([1]);
  });

  it("sees by an ack of what it never sent that it is a restored copy: new epoch, all offered again", () => {
    const first = bench.open();
    first.appendSamples([sample(A, 1), sample(A, 2)]);
    first.commit();
    bench.close(first);
    const backup = `${bench.path}.backup`;
    copyFileSync(bench.path, backup);
    const restored = bench.open({}, backup);
    const { epoch } = restored;
    // more was written since than the cloud's cursor, so that the ack is not above the file's own maximum
    restored.appendSamples(Array.from({ length: 20 }, (_, at) => sample(A, 10 + at)));
    restored.commit();
    restored.markSent("telemetry", 2);
    expect(restored.acknowledge({ lane: "telemetry", epoch, upTo: 15 })).toBe("restored");
    expect(restored.epoch).not.toBe(epoch);
    expect(restored.epoch).toMatch(/^[0-9a-f]{32}$/);
    restored.commit();
    expect(values(restored)).toHaveLength(22);
    bench.close(restored);
    expect(bench.open({}, backup).epoch).not.toBe(epoch);
  });

  it("sees a restored copy also after it ran a whole life without the cloud", () => {
    const original = bench.open();
    original.appendSamples([sample(A, 1), sample(A, 2)]);
    original.commit();
    expect(ack(original, "telemetry", 2)).toBe("trimmed");
    bench.close(original);
    const backup = `${bench.path}.backup`;
    copyFileSync(bench.path, backup);

    const offline = bench.open({}, backup);
    const { epoch } = offline;
    offline.appendSamples(Array.from({ length: 20 }, (_, at) => sample(A, 100 + at)));
    offline.commit();
    bench.close(offline);

    const restored = bench.open({}, backup);
    // the cloud has had offsets up to 15 from the lost original; the first batch under way is one of ours
    restored.markSent("telemetry", 5);
    expect(restored.acknowledge({ lane: "telemetry", epoch, upTo: 15 })).toBe("restored");
    restored.commit();
    expect(values(restored)).toEqual(Array.from({ length: 20 }, (_, at) => 100 + at));
  });

  it("takes the ack of what an earlier process on the same file published", () => {
    const first = bench.open();
    first.appendSamples([sample(A, 1)]);
    first.commit();
    ack(first, "telemetry", 1);
    first.appendSamples(Array.from({ length: 9 }, (_, at) => sample(A, 2 + at)));
    first.commit();
    first.markSent("telemetry", 10);
    bench.close(first);
    const second = bench.open();
    expect(second.acknowledge({ lane: "telemetry", epoch: second.epoch, upTo: 10 })).toBe("trimmed");
    second.commit();
    expect(values(second)).toEqual([]);
  });

  it("drops the oldest telemetry at its cap and tells the gap once, as one range", () => {
    const outbox = bench.open({ telemetryBytes: 4_000 });
    for (let at = 0; at < 100; at++) {
      outbox.appendSamples(Array.from({ length: 10 }, (_, i) => sample(A, at * 10 + i)));
      outbox.commit();
    }
    expect(outbox.state("telemetry").bytes).toBeLessThanOrEqual(4_000);
    expect(outbox.itemsAfter("events", 0, 10)).toEqual([]);
    outbox.closeGaps();
    outbox.commit();
    const [oldest] = outbox.telemetryAfter(0, 1);
    expect(outbox.itemsAfter("events", 0, 10)).toEqual([
      expect.objectContaining({
        kind: "gap",
        lane: "telemetry",
        epoch: outbox.epoch,
        from: 1,
        to: (oldest?.first ?? 0) - 1,
        reason: "cap",
      }),
    ]);
    const left = values(outbox);
    expect(left.at(-1)).toBe(999);
    expect(left).toHaveLength(1_000 - ((oldest?.first ?? 0) - 1));
  });

  it("remembers a gap that was not told yet over a restart", () => {
    const outbox = bench.open({ telemetryBytes: 100 });
    outbox.appendSamples(Array.from({ length: 400 }, (_, at) => sample(A, at)));
    outbox.commit();
    bench.close(outbox);
    const again = bench.open({ telemetryBytes: 100 });
    again.closeGaps();
    again.commit();
    expect(again.itemsAfter("events", 0, 10)[0]).toMatchObject({ kind: "gap", from: 1, reason: "cap" });
  });

  it("refuses device events at the cap of the events lane, never alarms or results, and never trims them unacked", () => {
    const outbox = bench.open({ eventsBytes: 500 });
    for (let at = 0; at < 20; at++) {
      event(outbox, `e${at}`);
      outbox.commit();
    }
    expect(outbox.eventsFull).toBe(true);
    expect(event(outbox, "refused")).toBe(false);
    expect(outbox.append("events", { kind: "commandResult", result: { id: "c", status: "done", finishedAt: 1 } })).toBe(
      true,
    );
    outbox.commit();
    const items = outbox.itemsAfter("events", 0, 100);
    expect(items[0]).toMatchObject({ kind: "deviceEvent", event: { id: "e0" } });
    expect(items.at(-1)).toMatchObject({ kind: "commandResult" });
    ack(outbox, "events", items.at(-1)?.offset ?? 0);
    outbox.commit();
    expect(event(outbox, "taken again")).toBe(true);
  });

  it("holds everything in memory while the disk refuses, and writes it in order when it does not", () => {
    const outbox = bench.spoilt();
    outbox.appendSamples([sample(A, 1)]);
    outbox.commit();
    const spoiler = breakCommits(outbox);
    outbox.appendSamples([sample(A, 2)]);
    event(outbox, "e1");
    outbox.put("lease", "key", 1);
    expect(outbox.commit()).toBe(false);
    expect(outbox.state("telemetry").next).toBe(2);
    outbox.appendSamples([sample(A, 3)]);
    spoiler.heal();
    expect(outbox.commit()).toBe(true);
    expect(values(outbox)).toEqual([1, 2, 3]);
    expect(outbox.itemsAfter("events", 0, 10)).toHaveLength(1);
    expect(outbox.records("lease").get("key")).toBe(1);
  });

  it("accounts for samples it had to give up while the disk refused", () => {
    const outbox = bench.spoilt({ pendingSamples: 10 });
    const spoiler = breakCommits(outbox);
    outbox.appendSamples(Array.from({ length: 11 }, (_, at) => sample(A, at)));
    expect(outbox.commit()).toBe(false);
    outbox.appendSamples([sample(A, 100)]);
    spoiler.heal();
    outbox.closeGaps();
    outbox.commit();
    outbox.closeGaps();
    outbox.commit();
    expect(outbox.telemetryAfter(0, 10)[0]?.first).toBe(12);
    expect(outbox.itemsAfter("events", 0, 10)).toEqual([
      expect.objectContaining({ kind: "gap", lane: "telemetry", from: 1, to: 11, reason: "diskFull" }),
    ]);
  });

  it("gives way of old telemetry to an item when the file is full", () => {
    const outbox = bench.open({ telemetryBytes: 1_000_000, eventsBytes: 1_000, ledgerBytes: 1_000 });
    outbox.appendSamples(Array.from({ length: 50_000 }, (_, at) => sample(A, at)));
    outbox.commit();
    const text = "x".repeat(50_000);
    for (let at = 0; at < 25; at++) {
      outbox.append("events", { kind: "notify", text, textEn: text, popup: false });
      expect(outbox.commit()).toBe(true);
    }
    expect(outbox.itemsAfter("events", 0, 100)).toHaveLength(25);
    outbox.closeGaps();
    outbox.commit();
    const [oldest] = outbox.telemetryAfter(0, 1);
    expect(outbox.itemsAfter("events", 25, 100)).toEqual([
      expect.objectContaining({
        kind: "gap",
        lane: "telemetry",
        from: 1,
        to: (oldest?.first ?? 0) - 1,
        reason: "diskFull",
      }),
    ]);
  });
});

function breakCommits(outbox: Outbox): { heal(): void } {
  outbox.put("test", "broken", true);
  outbox.commit();
  return { heal: () => outbox.remove("test", "broken") };
}
