import { describe, expect, it } from "vitest";
import { GROUP_SAMPLES, type TelemetryGroup, TelemetryGroups } from "#cloud/ingest/telemetry-group.ts";
import { gatewayId, newEpoch } from "#core/ids.ts";

const EPOCH = newEpoch();

/** Appends one batch of so many samples. */
function batch(group: TelemetryGroup, samples = 1): void {
  const start = group.samples;
  for (let i = 0; i < samples; i++) group.appender.sample(7, { value: "on", quality: "good", observedAt: i });
  const span = { gateway: gatewayId("park/gw-1"), epoch: EPOCH, first: start + 1, last: start + samples, start };
  group.batches.push({ span, session: 1, topic: "" });
}

describe("the groups that share a commit", () => {
  it("are filled one after the other and taken in that order, never one that is empty", () => {
    const groups = new TelemetryGroups();
    const first = groups.filling();
    expect(groups.take()).toBeUndefined();
    batch(first, GROUP_SAMPLES);
    const second = groups.filling();
    expect(second).not.toBe(first);
    batch(second);
    expect(groups.filling()).toBe(second);
    expect([groups.take(), groups.take(), groups.take()]).toEqual([first, second, undefined]);
  });

  it("are used again, empty", () => {
    const groups = new TelemetryGroups();
    const first = groups.filling();
    batch(first);
    groups.take();
    groups.giveBack(first);
    expect(groups.filling()).toBe(first);
    expect([first.samples, first.entries, first.batches.length]).toEqual([0, 0, 0]);
  });

  it("keep nothing of messages that were read and rejected, with batches in them or without", () => {
    const groups = new TelemetryGroups();
    const reject = (group: TelemetryGroup, text: string): void => {
      const { entries } = group;
      group.appender.text(text);
      group.rejected(entries);
    };
    const first = groups.filling();
    for (let i = 0; i < 100; i++) reject(groups.filling(), `text ${i}`);
    expect(first.entries).toBe(0);
    batch(groups.filling());
    reject(first, "odd");
    const second = groups.filling();
    expect(second).not.toBe(first);
    expect(groups.take()).toBe(first);
  });

  it("with more qualities than a column can count are never made", () => {
    const groups = new TelemetryGroups();
    for (let i = 0; i < 70_000; i++) {
      const group = groups.filling();
      group.appender.quality(`bad|${i}`);
      batch(group);
    }
    for (let group = groups.take(); group !== undefined; group = groups.take())
      expect(group.appender.columns.qualities.length).toBeLessThan(20_000);
  });
});
