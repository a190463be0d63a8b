import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readRtp, readSenderReport, sequenceStep } from "#edge/video/rtp.ts";
import { RtpClock } from "#edge/video/rtp-clock.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("an RTP packet", () => {
  it("is read with contributing sources, extension and padding", () => {
    const plain = readRtp(hex("80 e0 0001 00000064 0000abcd 41 42"));
    expect(plain).toMatchObject({ marker: true, payloadType: 96, sequence: 1, timestamp: 100, ssrc: 0xabcd });
    expect(plain?.payload.toString("hex")).toBe("4142");
    // one source, an extension of one word, three bytes of padding
    const full = readRtp(hex("b1 60 ffff ffffffff 00000001 00000002 bede0001 01020304 41 000003"));
    expect(full).toMatchObject({ marker: false, sequence: 0xffff, timestamp: 0xffff_ffff });
    expect(full?.payload.toString("hex")).toBe("41");
  });

  it("that contradicts itself is none", () => {
    for (const text of [
      "",
      "80e0",
      "40 e0 0001 00000064 0000abcd 41",
      "80 e0 0001 00000064 0000abcd",
      "8f e0 0001 00000064 0000abcd 41",
    ])
      expect(readRtp(hex(text))).toBeUndefined();
    expect(readRtp(hex("a0 e0 0001 00000064 0000abcd 41 ff"))).toBeUndefined();
    expect(readRtp(hex("90 e0 0001 00000064 0000abcd bede ffff 41"))).toBeUndefined();
  });

  it("never reads beyond its bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const packet = readRtp(Buffer.from(bytes));
        if (packet !== undefined) expect(packet.payload.length).toBeLessThanOrEqual(bytes.length - 12);
        readSenderReport(Buffer.from(bytes));
      }),
      { numRuns: 1_000 },
    );
  });

  it("follows, is lost before or comes late, also past the end of the numbers", () => {
    expect(sequenceStep(1, 2)).toBe("next");
    expect(sequenceStep(0xffff, 0)).toBe("next");
    expect(sequenceStep(0xfffe, 1)).toBe("lost");
    expect(sequenceStep(5, 5)).toBe("old");
    expect(sequenceStep(0, 0xffff)).toBe("old");
  });
});

const AT = Date.UTC(2026, 2, 1, 12);
/** A report of the sender's time `wallMs` at `timestamp`. */
function senderReport(wallMs: number, timestamp: number): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt8(0x80, 0);
  bytes.writeUInt8(200, 1);
  bytes.writeUInt16BE(6, 2);
  bytes.writeUInt32BE(Math.floor(wallMs / 1000) + 2_208_988_800, 8);
  bytes.writeUInt32BE(Math.round(((wallMs % 1000) / 1000) * 2 ** 32), 12);
  bytes.writeUInt32BE(timestamp, 16);
  return bytes;
}

function report(wallMs: number, timestamp: number) {
  const found = readSenderReport(senderReport(wallMs, timestamp));
  if (found === undefined) throw new Error("no sender report");
  return found;
}

describe("the time of a picture", () => {
  it("is the sender's own where its clock agrees with the gateway's", () => {
    expect(report(AT + 500, 90)).toMatchObject({ wallMs: AT + 500, timestamp: 90 });
    const clock = new ManualClock(AT);
    const time = new RtpClock(clock, 90_000);
    expect(time.timeOf(0)).toEqual({ at: 0, timeBase: "arrival" });
    // taken 200 ms before it arrived
    time.report(report(AT - 200, 0));
    let told = time.timeOf(0);
    for (let picture = 1; picture <= 400; picture++) {
      clock.advance(40);
      told = time.timeOf(picture * 3_600);
    }
    expect(told.timeBase).toBe("rtcp");
    expect(told.at).toBeCloseTo(400 * 40 - 200, 6);
  });

  it("is that of its arrival where the camera's clock is wrong", () => {
    const clock = new ManualClock(AT);
    const time = new RtpClock(clock, 90_000);
    time.timeOf(0);
    time.report(report(AT - 3_600_000, 0));
    clock.advance(40);
    expect(time.timeOf(3_600)).toEqual({ at: 40, timeBase: "arrival" });
    expect(readSenderReport(senderReport(-2_208_988_800_000, 0))).toBeUndefined();
  });

  it("goes on evenly while arrivals jitter and the numbers wrap", () => {
    const clock = new ManualClock(AT);
    const time = new RtpClock(clock, 90_000);
    let last = time.timeOf(0xffff_f000).at;
    for (let picture = 1; picture <= 100; picture++) {
      clock.advance(picture % 2 === 0 ? 10 : 70);
      const { at } = time.timeOf((0xffff_f000 + picture * 3_600) >>> 0);
      expect(at - last).toBeGreaterThan(30);
      expect(at - last).toBeLessThan(50);
      last = at;
    }
  });

  it("does not drift away from the gateway's over days", () => {
    const clock = new ManualClock(AT);
    const time = new RtpClock(clock, 90_000);
    let ticks = 0;
    let told = time.timeOf(0);
    // 100 millionths too slow: 8.6 s a day
    for (let second = 0; second < 86_400; second++) {
      clock.advance(1_000);
      ticks += 89_991;
      told = time.timeOf(ticks % 2 ** 32);
    }
    expect(clock.monotonic() - told.at).toBeGreaterThanOrEqual(0);
    expect(clock.monotonic() - told.at).toBeLessThan(20);
  });

  it("never goes back when the way gets faster, and is that of arrival when the numbers begin anew", () => {
    const clock = new ManualClock(AT);
    const time = new RtpClock(clock, 90_000);
    clock.advance(3_000);
    let last = time.timeOf(0).at;
    // 3 s of pictures that were held up come at once
    for (let picture = 1; picture < 75; picture++) {
      const { at } = time.timeOf(picture * 3_600);
      expect(at).toBeGreaterThan(last);
      last = at;
    }
    clock.advance(500);
    expect(time.timeOf(123_456_789)).toEqual({ at: 3_500, timeBase: "arrival" });
  });
});
