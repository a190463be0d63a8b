import { beforeEach, describe, expect, it } from "vitest";
import { JpegLine } from "#cloud/console/video/jpeg-line.ts";
import { PictureDecoder } from "#cloud/console/video/picture-decoder.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { FakePicture, fakeDecoders, frame, H264, settled } from "./video-fixture.ts";

let clock: ManualClock;
let fake: ReturnType<typeof fakeDecoders>;
let shown: string[];
let failures: unknown[];
let decoder: PictureDecoder<FakePicture>;
const last = () => {
  const found = fake.decoders.at(-1);
  if (found === undefined) throw new Error("no decoder was opened");
  return found;
};

beforeEach(() => {
  clock = new ManualClock(1_800_000_000_000);
  fake = fakeDecoders();
  shown = [];
  failures = [];
  decoder = new PictureDecoder<FakePicture>({
    clock,
    open: fake.open,
    onPicture: (picture) => {
      shown.push(picture.name);
      picture.close();
    },
    onFailure: (error) => failures.push(error),
  });
});

describe("decoding a stream", () => {
  it("begins at a key frame", () => {
    decoder.configure(H264);
    decoder.take(frame(1));
    decoder.take(frame(2, { key: true }));
    decoder.take(frame(3));
    last().yield();
    expect(shown).toEqual(["2", "3"]);
    expect(decoder.dropped).toBe(1);
  });

  it("goes on at the next key frame after a gap", () => {
    decoder.configure(H264);
    decoder.take(frame(1, { key: true }));
    decoder.take(frame(3, { gap: true }));
    decoder.take(frame(4));
    decoder.take(frame(5, { key: true }));
    last().yield();
    expect(shown).toEqual(["1", "5"]);
  });

  it("takes the pictures since the last key frame at once, as who joins is given them", () => {
    decoder.configure(H264);
    for (let at = 0; at < 100; at++) decoder.take(frame(at, { key: at === 0 }));
    last().yield();
    expect(shown).toHaveLength(100);
    expect(decoder.dropped).toBe(0);
  });

  it("gives up what waits for the next key frame when it cannot keep up, instead of showing ever older pictures", () => {
    decoder.configure(H264);
    decoder.take(frame(0, { key: true }));
    for (let at = 1; at < 60; at++) {
      clock.advance(40);
      decoder.take(frame(at));
    }
    expect(last().waiting).toBeLessThan(60);
    const waited = last().waiting;
    decoder.take(frame(60, { key: true }));
    last().yield();
    expect(shown).toEqual(["60"]);
    expect(decoder.dropped).toBe(60);
    expect(waited).toBeGreaterThan(12);
    expect(last().configured).toEqual(["avc1.42E01E", "avc1.42E01E"]);
  });

  it("never lets more wait than was ever kept for who joins", () => {
    decoder.configure(H264);
    for (let at = 0; at < 5000; at++) decoder.take(frame(at, { key: at === 0 }));
    expect(last().waiting).toBeLessThanOrEqual(601);
  });

  it("closes the decoder of the former format, and every picture that still comes out of it", () => {
    decoder.configure(H264);
    decoder.take(frame(1, { key: true }));
    const former = last();
    decoder.configure({ ...H264, codec: "avc1.64001F" });
    expect(former.closed).toBe(true);
    former.yield();
    expect(shown).toEqual([]);
    expect(fake.pictures.map(({ closed }) => closed)).toEqual([1]);
    expect(last().configured).toEqual(["avc1.64001F"]);
  });

  it("tells a failure once, closed; what the dead decoder says later counts no more", () => {
    decoder.configure(H264);
    const dead = last();
    dead.events.failed(new Error("corrupt"));
    dead.events.failed(new Error("again"));
    decoder.take(frame(1, { key: true }));
    expect(failures).toHaveLength(1);
    expect(dead.closed).toBe(true);
    expect(dead.queue).toEqual([]);
  });

  it("fails on a format that names no codec", () => {
    decoder.configure({ mode: "h264", quality: "sub" });
    expect(failures).toHaveLength(1);
  });
});

describe("showing JPEG pictures", () => {
  it("decodes one at a time and keeps only the newest of those that wait", async () => {
    const waiting: ((picture: FakePicture) => void)[] = [];
    const names: string[] = [];
    const line = new JpegLine<FakePicture>({
      decode: () => new Promise((resolve) => waiting.push(resolve)),
      onPicture: (picture, capturedAt) => names.push(`${picture.name}@${capturedAt}`),
      onFailure: (error) => failures.push(error),
    });
    for (const at of [1, 2, 3]) line.take(Uint8Array.of(at), at);
    expect(waiting).toHaveLength(1);
    waiting[0]?.(new FakePicture("a"));
    await settled();
    expect(waiting).toHaveLength(2);
    waiting[1]?.(new FakePicture("b"));
    await settled();
    expect(names).toEqual(["a@1", "b@3"]);
    expect(line.dropped).toBe(1);
  });

  it("closes the picture that comes out after the end", async () => {
    const waiting: ((picture: FakePicture) => void)[] = [];
    const line = new JpegLine<FakePicture>({
      decode: () => new Promise((resolve) => waiting.push(resolve)),
      onPicture: () => failures.push("shown"),
      onFailure: (error) => failures.push(error),
    });
    line.take(Uint8Array.of(1), 1);
    line.close();
    const late = new FakePicture("late");
    waiting[0]?.(late);
    await settled();
    expect(late.closed).toBe(1);
    expect(failures).toEqual([]);
  });
});
