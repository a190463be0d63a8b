import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AlarmView } from "#core/contracts/alarms.ts";
import { DomainBench, type Domains, NOON } from "../domain-bench.ts";
import { aClip, CAMERA, GW1, GW2, minted, told } from "../small-park.ts";

let bench: DomainBench;
let cloud: Domains;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open();
});
afterEach(() => bench.clear());

const VIDEO = new Uint8Array([1, 2, 3]);
const SHA = createHash("sha256").update(VIDEO).digest("hex");
const shown = (): AlarmView | undefined => cloud.alarms.list({ limit: 1, visible: "all", state: "all" }).items[0];

describe("a clip that a gateway tells of", () => {
  it("is shown with its alarm, its times and what is missing, and whoever looks is told", () => {
    const alarm = minted({ at: NOON });
    cloud.item(GW1, told(alarm));
    const before = cloud.changes.length;
    cloud.item(GW1, aClip({ alarm: alarm.id, occurrence: 1, missing: "the first 4 s: the ring was shorter" }));
    expect(cloud.changes.slice(before)).toEqual([expect.objectContaining({ kind: "alarms", id: alarm.id })]);
    const clip = {
      url: `/api/v1/blobs/${"c".repeat(64)}`,
      state: "coming",
      sha256: "c".repeat(64),
      bytes: 4_000_000,
      camera: CAMERA,
      startedAt: "2026-09-21T14:13:10.000Z",
      endedAt: "2026-09-21T14:13:50.000Z",
      triggerAt: "2026-09-21T14:13:20.000Z",
      timeBase: "rtcp",
      width: 1280,
      height: 720,
      frames: 1000,
      missing: "the first 4 s: the ring was shorter",
    };
    expect(shown()?.clips).toEqual([clip]);
    expect(cloud.alarms.get(alarm.id)?.clips).toEqual([clip]);
  });

  it("is kept once, however often it is told", () => {
    const alarm = minted({ at: NOON });
    cloud.item(GW1, told(alarm));
    for (let i = 0; i < 3; i++) cloud.item(GW1, aClip({ alarm: alarm.id }));
    cloud.item(GW1, aClip({ alarm: alarm.id, sha256: "d".repeat(64), startedAt: NOON - 20_000 }));
    expect(shown()?.clips.map(({ sha256 }) => sha256[0])).toEqual(["c", "d"]);
  });

  it("is refused when the camera is another gateway's", () => {
    expect(() => cloud.item(GW2, aClip())).toThrow(expect.objectContaining({ code: "CLIP_FOREIGN" }));
    expect(cloud.media.madeFor("c".repeat(64))).toEqual([]);
  });

  it("is coming until its bytes are here, and told as expired when they were removed", async () => {
    const alarm = minted({ at: NOON });
    cloud.item(GW1, told(alarm));
    cloud.item(GW1, aClip({ alarm: alarm.id, sha256: SHA }));
    expect(shown()?.clips[0]?.state).toBe("coming");
    await cloud.blobs.put(SHA, "video/mp4", VIDEO);
    const before = cloud.changes.length;
    cloud.alarms.blobStored(SHA);
    expect(cloud.changes.slice(before).map(({ id }) => id)).toEqual([alarm.id]);
    expect(shown()?.clips[0]?.state).toBe("here");
    await cloud.blobs.remove(SHA, false);
    expect(shown()?.clips[0]?.state).toBe("expired");
  });

  it("without an alarm belongs to its camera", () => {
    cloud.item(GW1, aClip());
    expect(cloud.media.madeFor("c".repeat(64))).toEqual([{ alarm: undefined, camera: CAMERA }]);
  });

  it("survives a restart of the cloud", async () => {
    const alarm = minted({ at: NOON });
    cloud.item(GW1, told(alarm));
    cloud.item(GW1, aClip({ alarm: alarm.id }));
    cloud = await bench.restart(cloud);
    expect(shown()?.clips).toHaveLength(1);
  });
});

describe("the bytes of pictures and clips", () => {
  it("are held as long as their alarm is open", () => {
    const alarm = minted({ category: "comfort", at: NOON });
    cloud.item(GW1, told(alarm));
    cloud.item(GW1, aClip({ alarm: alarm.id }));
    expect(cloud.media.usesOf(["c".repeat(64), "0".repeat(64)])).toEqual([
      { sha256: "c".repeat(64), class: "clip", held: true },
    ]);
    const over = {
      ...alarm,
      condition: "inactive",
      live: false,
      acknowledged: true,
      version: alarm.version + 1,
    } as const;
    cloud.item(GW1, told(over, "cleared"));
    expect(cloud.media.usesOf(["c".repeat(64)])).toEqual([{ sha256: "c".repeat(64), class: "clip", held: false }]);
  });

  it("of a picture that somebody took to have a look are told apart from those of alarms and runs", () => {
    const picture = (sha256: string, more: object) =>
      cloud.item(GW1, {
        offset: 0,
        at: NOON,
        kind: "snapshot",
        sha256: sha256.repeat(64),
        bytes: 3,
        contentType: "image/jpeg",
        camera: CAMERA,
        takenAt: NOON,
        ...more,
      });
    picture("1", {});
    picture("2", { run: "run-1" });
    picture("3", { alarm: "alarm-1" });
    const hashes = ["1", "2", "3"].map((digit) => digit.repeat(64));
    const classes = () => cloud.media.usesOf(hashes).map((use) => `${use.sha256[0]} ${use.class}`);
    expect(classes().sort()).toEqual(["1 picture", "2 snapshot", "3 snapshot"]);
    cloud.media.forget(hashes);
    expect(classes().sort()).toEqual(["2 snapshot", "3 snapshot"]);
  });
});
