import { expect } from "vitest";
import { AHU, METER, OWN } from "./host-bench.ts";
import { type HostRecording, NCMD_TOPIC } from "./host-recording.ts";
import { BOOLEAN, type EdgeMessage, metricNamed, sparkplugMessages } from "./messages.ts";
import type { Tck } from "./tck.ts";

const REBIRTH = "Node Control/Rebirth";
const CLOCK_TOLERANCE_MS = 5_000;

/** What the host application does about edge nodes: commands, deaths. `recording` is there when the cases run. */
export function hostNodes(tck: Tck, recording: () => HostRecording): void {
  const commands = (): EdgeMessage[] => {
    const found = sparkplugMessages(recording().seen);
    expect(found.length).toBeGreaterThanOrEqual(2);
    return found;
  };

  tck.chapter("host application: commands", () => {
    tck.covers(
      [
        "topics-ncmd-topic",
        "operational-behavior-data-commands-ncmd-verb",
        "operational-behavior-data-commands-ncmd-rebirth-verb",
      ],
      "a rebirth request is an NCMD on the topic of its node",
      () => expect(new Set(commands().map(({ publish }) => publish.topic))).toEqual(new Set([NCMD_TOPIC])),
    );
    tck.covers(["topics-ncmd-mqtt"], "NCMD has QoS 0 and is not retained", () => {
      for (const { publish } of commands()) expect(publish).toMatchObject({ qos: 0, retain: false });
    });
    tck.covers(["payloads-ncmd-qos"], "NCMD has QoS 0", () => {
      for (const { publish } of commands()) expect(publish.qos).toBe(0);
    });
    tck.covers(["payloads-ncmd-retain"], "NCMD is not retained", () => {
      for (const { publish } of commands()) expect(publish.retain).toBe(false);
    });
    tck.covers(["topics-ncmd-timestamp", "payloads-ncmd-timestamp"], "NCMD says when it was sent", () => {
      for (const { payload, seen } of commands())
        expect(Math.abs((payload.timestamp ?? 0) - seen.at)).toBeLessThan(CLOCK_TOLERANCE_MS);
    });
    tck.covers(["payloads-ncmd-seq"], "NCMD has no sequence number", () => {
      for (const { payload } of commands()) expect(payload.seq).toBeUndefined();
    });
    tck.covers(
      ["topics-ncmd-payload", "operational-behavior-data-commands-ncmd-rebirth-name"],
      "it holds Node Control/Rebirth and nothing else",
      () => {
        for (const { payload } of commands()) expect(payload.metrics.map(({ name }) => name)).toEqual([REBIRTH]);
      },
    );
    tck.covers(
      ["operational-behavior-data-commands-ncmd-rebirth-value", "operational-behavior-data-commands-ncmd-metric-value"],
      "its value is true, a boolean",
      () => {
        for (const { payload } of commands())
          expect(metricNamed(payload, REBIRTH).value).toEqual({ field: 14, value: 1 });
      },
    );
    tck.covers(
      ["operational-behavior-data-commands-ncmd-metric-name"],
      "the metric is one that the node's births hold, with the same datatype",
      () => {
        const births = sparkplugMessages(recording().seen, "server").filter(({ type }) => type === "NBIRTH");
        expect(births.length).toBeGreaterThan(0);
        for (const { payload } of births) expect(metricNamed(payload, REBIRTH).datatype).toBe(BOOLEAN);
        for (const { payload } of commands())
          expect([undefined, BOOLEAN]).toContain(metricNamed(payload, REBIRTH).datatype);
      },
    );
    tck.covers(["payloads-name-cmd-requirement"], "a metric of an NCMD may have a time, and ours has", () => {
      for (const { payload, seen } of commands())
        expect(Math.abs((metricNamed(payload, REBIRTH).timestamp ?? 0) - seen.at)).toBeLessThan(CLOCK_TOLERANCE_MS);
    });
    tck.covers(
      ["operational-behavior-host-reordering-rebirth"],
      "the reorder time-out ends in an NCMD on the wire",
      () => {
        const { gap, gapAt, cut } = recording().moments;
        // after the cut it asks once more, for births that it may not have heard
        const asked = commands().filter(({ index }) => index >= gap && index < cut);
        expect(asked).toHaveLength(1);
        expect((asked[0]?.seen.at ?? 0) - gapAt).toBeGreaterThanOrEqual(1_900);
      },
    );
  });

  tck.chapter("host application: deaths", () => {
    const shown = (moment: "born" | "deviceDead" | "bornAgain" | "nodeDead") => {
      const found = recording().moments[moment];
      if (found === undefined) throw new Error(`nothing was recorded of ${moment}`);
      return found;
    };

    const online = (moment: Parameters<typeof shown>[0]) =>
      [AHU, METER].map((slot) => shown(moment).devices[slot]?.online);

    tck.covers(
      ["operational-behavior-edge-node-termination-host-action-ddeath-devices-offline"],
      "DDEATH takes its device offline since the time in its payload, no other one, until it is born again",
      () => {
        expect(online("born")).toEqual([true, true]);
        expect(online("deviceDead")).toEqual([false, true]);
        const since = new Date(recording().moments.deviceDeathAt).toISOString();
        expect(shown("deviceDead").devices[AHU]?.since).toBe(since);
        expect(online("bornAgain")).toEqual([true, true]);
      },
    );
    tck.covers(
      ["operational-behavior-edge-node-termination-host-action-ddeath-devices-tags-stale"],
      "DDEATH makes the values of its device stale; they stay to be seen",
      () => {
        expect(shown("born").values[AHU]).toMatchObject({ value: 20, quality: "good" });
        expect(shown("deviceDead").values[AHU]).toMatchObject({ value: 20, quality: "uncertain", reason: "stale" });
        expect(shown("deviceDead").values[METER]).toMatchObject({ value: 7, quality: "good" });
        expect(shown("bornAgain").values[AHU]).toMatchObject({ value: 20, quality: "good" });
      },
    );
    tck.covers(
      ["operational-behavior-edge-node-termination-host-action-ndeath-node-offline"],
      "NDEATH takes the node offline, at the time of the host application's clock",
      () => {
        expect(recording().moments.presence.map(({ online }) => online)).toEqual([true, false]);
        const dead = recording().moments.presence[1];
        const seenAt = shown("nodeDead").at;
        expect(seenAt - (dead?.at ?? 0)).toBeLessThan(CLOCK_TOLERANCE_MS);
        expect(dead?.at).toBeLessThanOrEqual(seenAt);
      },
    );
    tck.covers(
      ["operational-behavior-edge-node-termination-host-action-ndeath-devices-offline"],
      "NDEATH takes all devices of the node offline",
      () => {
        expect(online("bornAgain")).toEqual([true, true]);
        expect(online("nodeDead")).toEqual([false, false]);
      },
    );
    tck.covers(
      ["operational-behavior-edge-node-termination-host-action-ndeath-node-tags-stale"],
      "NDEATH makes the node's own values stale",
      () => {
        expect(shown("bornAgain").values[OWN]).toMatchObject({ value: 230, quality: "good" });
        expect(shown("nodeDead").values[OWN]).toMatchObject({ value: 230, quality: "uncertain", reason: "stale" });
      },
    );
    tck.covers(
      ["operational-behavior-edge-node-termination-host-action-ndeath-devices-tags-stale"],
      "NDEATH makes all values of its devices stale",
      () => {
        for (const slot of [AHU, METER])
          expect(shown("nodeDead").values[slot]).toMatchObject({ quality: "uncertain", reason: "stale" });
      },
    );
  });
}
