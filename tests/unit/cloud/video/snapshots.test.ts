import { beforeEach, describe, expect, it } from "vitest";
import type { BlobState } from "#cloud/media-ports.ts";
import { CameraSnapshots } from "#cloud/video/snapshots.ts";
import type { CommandRequest, CommandView } from "#core/contracts/commands.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const CAMERA = "park/gw-1/cam-1";
const LI = { name: "li.wei", grants: [], ip: "10.0.0.1" };
const SHA = "a".repeat(64);

let clock: ManualClock;
let snapshots: CameraSnapshots;
/** Commands on their way, and blobs that came. */
let asked: { request: CommandRequest; requestedBy: string; ip?: string; quiet?: boolean }[];
let end: (view: Partial<CommandView>) => void;
let breaks: () => void;
let here: Set<string>;
let listeners: Set<(sha256: string, bytes: number) => void>;
const arrives = (sha256: string) => {
  here.add(sha256);
  for (const listener of listeners) listener(sha256, 1);
};

beforeEach(() => {
  clock = new ManualClock(1_800_000_000_000);
  asked = [];
  here = new Set();
  listeners = new Set();
  const base = { id: "c", status: "done", requestedBy: "x", createdAt: "", expiresAt: "" } as const;
  snapshots = new CameraSnapshots({
    clock,
    commands: {
      perform(order) {
        asked.push(order);
        return new Promise((resolve, reject) => {
          breaks = () => reject(new Error("records are away"));
          end = (view) => resolve({ ...base, ...view });
        });
      },
    },
    blobs: {
      find: (sha256): BlobState | undefined =>
        here.has(sha256) ? { state: "here", contentType: "image/jpeg", bytes: 1, storedAt: 0 } : undefined,
      onStored(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
  });
});

describe("a picture on demand", () => {
  it("is asked of the camera in the name of who wants it, and given when its bytes have come", async () => {
    const taken = snapshots.take(CAMERA, LI);
    expect(asked).toEqual([
      { request: { device: CAMERA, action: "snapshot", expiresInMs: 8000 }, requestedBy: "li.wei", ip: "10.0.0.1" },
    ]);
    end({ blob: `/api/v1/blobs/${SHA}` });
    await expect.poll(() => listeners.size).toBe(1);
    arrives("b".repeat(64));
    arrives(SHA);
    expect(await taken).toBe(SHA);
    expect([listeners.size, clock.pending]).toEqual([0, 1]);
  });

  it("is taken once for all who ask at the same time, and serves for a second", async () => {
    arrives(SHA);
    const both = [snapshots.take(CAMERA, LI), snapshots.take(CAMERA, LI)];
    end({ blob: `/api/v1/blobs/${SHA}` });
    expect(await Promise.all(both)).toEqual([SHA, SHA]);
    clock.advance(999);
    expect(await snapshots.take(CAMERA, LI)).toBe(SHA);
    expect(asked).toHaveLength(1);
    clock.advance(1);
    void snapshots.take(CAMERA, LI);
    expect(asked).toHaveLength(2);
  });

  it("that is looked at again and again is kept as a command once in ten minutes for each who looks", async () => {
    arrives(SHA);
    const quiet = async (who: typeof LI): Promise<boolean> => {
      clock.advance(1000);
      const taken = snapshots.take(CAMERA, who);
      end({ blob: `/api/v1/blobs/${SHA}` });
      await taken;
      return asked.at(-1)?.quiet === true;
    };
    const CHEN = { ...LI, name: "chen.min" };
    expect([await quiet(LI), await quiet(LI), await quiet(CHEN), await quiet(CHEN), await quiet(LI)]).toEqual([
      false,
      true,
      false,
      true,
      true,
    ]);
    clock.advance(600_000);
    expect([await quiet(LI), await quiet(LI)]).toEqual([false, true]);
  });

  it("is kept as a command by the first look that was one: not by one that could not be written down", async () => {
    arrives(SHA);
    const failed = snapshots.take(CAMERA, LI);
    breaks();
    await expect(failed).rejects.toThrow("records are away");
    const taken = snapshots.take(CAMERA, LI);
    end({ blob: `/api/v1/blobs/${SHA}` });
    await taken;
    clock.advance(1000);
    void snapshots.take(CAMERA, LI);
    expect(asked.map(({ quiet }) => quiet === true)).toEqual([false, false, true]);
  });

  it.each([
    ["the camera refuses", { status: "failed", code: "ONVIF_TIMEOUT", message: "no answer" }, "SNAPSHOT_FAILED"],
    ["the camera gives nothing", { status: "done" }, "SNAPSHOT_FAILED"],
    ["the gateway is away", { status: "expired", code: "COMMAND_GATEWAY_OFFLINE" }, "SNAPSHOT_TIMEOUT"],
    ["nobody answers", { status: "timeout", code: "COMMAND_NO_RESULT" }, "SNAPSHOT_TIMEOUT"],
  ] as const)("fails with a code when %s, and the next one is asked for anew", async (_what, view, code) => {
    const taken = snapshots.take(CAMERA, LI);
    end(view);
    await expect(taken).rejects.toMatchObject({ code });
    void snapshots.take(CAMERA, LI);
    expect(asked).toHaveLength(2);
  });

  it("fails when its bytes do not come", async () => {
    const taken = snapshots.take(CAMERA, LI);
    end({ blob: `/api/v1/blobs/${SHA}` });
    await expect.poll(() => listeners.size).toBe(1);
    clock.advance(5000);
    await expect(taken).rejects.toMatchObject({ code: "SNAPSHOT_TIMEOUT" });
    expect([listeners.size, clock.pending]).toEqual([0, 0]);
  });
});
