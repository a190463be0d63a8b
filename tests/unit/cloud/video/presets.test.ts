import { Readable } from "node:stream";
import { beforeEach, describe, expect, it } from "vitest";
import { CameraPresets } from "#cloud/video/presets.ts";
import type { CommandView } from "#core/contracts/commands.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const CAMERA = "park/gw-1/cam-1";
const LI = { name: "li.wei", grants: [] };
const SHA = "a".repeat(64);
const DONE = { status: "done", blob: `/api/v1/blobs/${SHA}` } as const;

let clock: ManualClock;
let asked: unknown[];
let end: Partial<CommandView>;
let content: string;
let broken: Error | undefined;
let presets: CameraPresets;
beforeEach(() => {
  clock = new ManualClock(1_800_000_000_000);
  asked = [];
  end = DONE;
  broken = undefined;
  content = JSON.stringify({
    presets: [
      { token: "1", name: "Gate" },
      { token: "2", name: " " },
      { token: "3", name: "北" },
    ],
  });
  const base = { id: "c", status: "done", requestedBy: "x", createdAt: "", expiresAt: "" } as const;
  presets = new CameraPresets({
    clock,
    commands: {
      async perform(order) {
        asked.push(order);
        if (broken !== undefined) throw broken;
        return { ...base, ...end };
      },
    },
    blobs: {
      find: () => ({ state: "here", contentType: "application/json", bytes: content.length, storedAt: 0 }),
      onStored: () => () => undefined,
      read: async () => Readable.from([Buffer.from(content)]),
    },
  });
});

describe("the presets that a camera holds", () => {
  it("are asked of it without a trace and told with a name each, without those that the site names", async () => {
    expect(await presets.beside(CAMERA, ["1"], LI)).toEqual([
      { preset: "2", name: "2" },
      { preset: "3", name: "北" },
    ]);
    expect(asked).toEqual([
      { request: { device: CAMERA, action: "ptzPresets", expiresInMs: 8000 }, requestedBy: "li.wei", quiet: true },
    ]);
  });

  it("are asked once for all who want them, and again after half a minute", async () => {
    await Promise.all([presets.beside(CAMERA, [], LI), presets.beside(CAMERA, ["1"], LI)]);
    clock.advance(29_999);
    await presets.beside(CAMERA, [], LI);
    expect(asked).toHaveLength(1);
    clock.advance(1);
    await presets.beside(CAMERA, [], LI);
    expect(asked).toHaveLength(2);
  });

  it.each([
    ["the camera refuses", { ended: { status: "rejected", code: "ONVIF_NO_PTZ" } }, /ONVIF_NO_PTZ/],
    ["what it told is no list", { text: '{"presets": [{"token": 7}]}' }, /no list/],
    ["it told no JSON", { text: "<html>" }, /no list/],
    ["it told too much", { text: "x".repeat(300_000) }, /too much/],
  ] as const)("are told as missing when %s, and asked for anew after half a minute", async (_what, told, why) => {
    if ("ended" in told) end = told.ended;
    else content = told.text;
    await expect(presets.beside(CAMERA, [], LI)).rejects.toMatchObject({
      code: "PRESETS_FAILED",
      message: expect.stringMatching(why),
    });
    clock.advance(29_999);
    await expect(presets.beside(CAMERA, [], LI)).rejects.toMatchObject({ code: "PRESETS_FAILED" });
    expect(asked).toHaveLength(1);
    clock.advance(1);
    await expect(presets.beside(CAMERA, [], LI)).rejects.toMatchObject({ code: "PRESETS_FAILED" });
    expect(asked).toHaveLength(2);
  });

  it("are asked for anew at once when the failure was none of the camera's", async () => {
    broken = new Error("records are away");
    await expect(presets.beside(CAMERA, [], LI)).rejects.toThrow("records are away");
    broken = undefined;
    expect(await presets.beside(CAMERA, [], LI)).toHaveLength(3);
  });
});
