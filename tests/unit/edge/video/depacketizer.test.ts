import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AccessUnit, Depacketizer } from "#edge/video/depacketizer.ts";
import { type H264Format, H264Payload } from "#edge/video/h264-payload.ts";
import { H265Payload } from "#edge/video/h265-payload.ts";
import { readRtp } from "#edge/video/rtp.ts";
import { type FilmStrip, filmStrip, type RtpState, rtpPackets, unitTypes } from "./film-strip.ts";

const STRIP = filmStrip("baseline-320x180.h264");
const HEVC = filmStrip("hevc-256x144.h265");

interface Bench {
  readonly push: (packet: Buffer) => void;
  readonly units: AccessUnit[];
  readonly formats: H264Format[];
  readonly counts: Record<string, number>;
  readonly depacketizer: Depacketizer;
}

function bench(codec: FilmStrip["codec"] = "H264", parameterSets: readonly Buffer[] = []): Bench {
  const units: AccessUnit[] = [];
  const formats: H264Format[] = [];
  const counts: Record<string, number> = {};
  const payload =
    codec === "H264"
      ? new H264Payload(parameterSets, (format) => formats.push(format))
      : new H265Payload(parameterSets);
  const depacketizer = new Depacketizer(
    payload,
    (unit) => units.push(unit),
    (name, by = 1) => {
      counts[name] = (counts[name] ?? 0) + by;
    },
  );
  const push = (bytes: Buffer): void => {
    const packet = readRtp(bytes);
    if (packet !== undefined) depacketizer.push(packet);
  };
  return { push, units, formats, counts, depacketizer };
}

/** Packets of each picture of a strip. */
function packetsOf(strip: FilmStrip, state: RtpState = { sequence: 65_530, timestamp: 0xffff_ff00, ssrc: 9 }) {
  return strip.pictures.map(({ nals }) => {
    state.timestamp += 3_600;
    return rtpPackets(strip.codec, nals, state);
  });
}

const withoutSets = (strip: FilmStrip): FilmStrip => ({
  ...strip,
  pictures: strip.pictures.map(({ nals, key }) => ({
    key,
    nals: nals.filter((nal) => ![7, 8].includes((nal[0] ?? 0) & 31)),
  })),
});

function slices(strip: FilmStrip, index: number): readonly Buffer[] {
  return (strip.pictures[index]?.nals ?? []).filter((nal) => ((nal[0] ?? 0) & 31) <= 5);
}

describe("pictures from RTP", () => {
  it("are those that were sent, slice by slice, with the format before the first", () => {
    const { push, units, formats, counts } = bench();
    for (const packet of packetsOf(STRIP).flat()) push(packet);
    expect(units).toHaveLength(100);
    expect(formats).toHaveLength(1);
    expect(formats[0]).toMatchObject({ codec: "avc1.42C00C", width: 320, height: 180 });
    expect(units.map(({ key }) => key)).toEqual(STRIP.pictures.map(({ key }) => key));
    for (const [index, unit] of units.entries()) {
      const sent = Buffer.concat(slices(STRIP, index));
      const got = Buffer.from(unit.data);
      const parts: Buffer[] = [];
      for (let at = 0; at < got.length; at += 4 + got.readUInt32BE(at)) {
        const nal = got.subarray(at + 4, at + 4 + got.readUInt32BE(at));
        if (((nal[0] ?? 0) & 31) <= 5) parts.push(nal);
      }
      expect(Buffer.concat(parts).equals(sent)).toBe(true);
      expect(unit.gap).toBe(false);
    }
    expect(counts).toEqual({});
  });

  it("need no parameter sets in the stream where the description has them", () => {
    const { push, units, formats } = bench("H264", STRIP.parameterSets);
    for (const packet of packetsOf(withoutSets(STRIP)).flat()) push(packet);
    expect(units).toHaveLength(100);
    expect(formats).toHaveLength(1);
    const none = bench();
    for (const packet of packetsOf(withoutSets(STRIP)).flat()) none.push(packet);
    expect(none.units).toEqual([]);
  });

  it("come out of aggregates as well", () => {
    const { push, units } = bench();
    const state: RtpState = { sequence: 1, timestamp: 1, ssrc: 1 };
    const nals = STRIP.pictures[0]?.nals ?? [];
    const sized = nals.flatMap((nal) => [Buffer.from([nal.length >> 8, nal.length & 255]), nal]);
    const [packet = Buffer.alloc(0)] = rtpPackets("H264", [Buffer.from([0x41])], state);
    push(Buffer.concat([packet.subarray(0, 12), Buffer.from([24]), ...sized]));
    expect(units).toHaveLength(1);
    expect(unitTypes(units[0]?.data ?? new Uint8Array()).filter((type) => type === 5)).toHaveLength(2);
  });

  it("are whole without the marker too, when the next picture's time begins", () => {
    const { push, units } = bench();
    for (const packet of packetsOf(STRIP).flat()) {
      packet.writeUInt8(packet.readUInt8(1) & 0x7f, 1);
      push(packet);
    }
    expect(units).toHaveLength(99);
  });

  it("stop at a hole until the next key picture, which tells the gap", () => {
    const { push, units, counts } = bench();
    for (const packet of packetsOf(STRIP).toSpliced(10, 1).flat()) push(packet);
    // 0 to 9, then from the next key picture on
    expect(units).toHaveLength(10 + 75);
    expect(units.filter(({ gap }) => gap).map(({ key }) => key)).toEqual([true]);
    expect(units[10]).toMatchObject({ key: true, gap: true });
    expect(counts).toMatchObject({ gaps: 1, skippedPictures: 14 });
  });

  it("take up again with the very key picture that follows a hole", () => {
    const { push, units } = bench();
    for (const packet of packetsOf(STRIP).toSpliced(20, 5).flat()) push(packet);
    expect(units).toHaveLength(95);
    expect(units[20]).toMatchObject({ key: true, gap: true });
  });

  it("of which a part is lost are left out, wherever the hole is", () => {
    const packets = packetsOf(STRIP);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: packets.flat().length - 1 }), (lost) => {
        const { push, units } = bench("H264", STRIP.parameterSets);
        for (const packet of packets.flat().toSpliced(lost, 1)) push(packet);
        // every slice of a picture that came out was sent for it
        for (const { data } of units)
          expect(unitTypes(data).filter((type) => type === 1 || type === 5)).toHaveLength(2);
      }),
      { numRuns: 150 },
    );
  });

  it("begin anew with another sender, and ignore what comes late", () => {
    const { push, units, counts } = bench();
    const [first = [], second = []] = packetsOf(STRIP);
    for (const packet of [...first, ...second, ...first]) push(packet);
    expect(units).toHaveLength(2);
    expect(counts["latePackets"]).toBe(first.length);
    for (const packet of packetsOf(STRIP, { sequence: 1, timestamp: 5, ssrc: 77 }).flat()) push(packet);
    expect(units).toHaveLength(102);
    expect(units[2]).toMatchObject({ key: true, gap: true });
  });

  it("in another format begin with a key picture, and the format is told before it", () => {
    const other = filmStrip("b-pictures-256x144.h264");
    const { push, units, formats } = bench();
    const state: RtpState = { sequence: 1, timestamp: 1, ssrc: 1 };
    const all = [...packetsOf(STRIP, state).slice(0, 30), ...packetsOf(other, state).slice(0, 30)];
    // numbers as one sender counts them
    all.flat().forEach((packet, index) => {
      packet.writeUInt16BE(index, 2);
      push(packet);
    });
    expect(formats.map(({ width }) => width)).toEqual([320, 256]);
    expect(units).toHaveLength(60);
    expect(units[30]?.key).toBe(true);
  });

  it("larger than any camera's are left out, and their memory is given back", () => {
    const { push, units, counts } = bench("H264", STRIP.parameterSets);
    const state: RtpState = { sequence: 1, timestamp: 1, ssrc: 1 };
    for (const packet of rtpPackets(
      "H264",
      [Buffer.concat([Buffer.from([0x65, 0x88]), Buffer.alloc(5_000_000, 1)])],
      state,
    ))
      push(packet);
    expect(units).toEqual([]);
    expect(counts["tooLarge"]).toBe(1);
    state.timestamp += 3_600;
    for (const packet of rtpPackets("H264", slices(STRIP, 0), state)) push(packet);
    expect(units).toHaveLength(1);
  });

  it("come from H.265 with its three parameter sets", () => {
    const { push, units } = bench("H265", []);
    for (const packet of packetsOf(HEVC).flat()) push(packet);
    expect(units).toHaveLength(50);
    expect(units.map(({ key }) => key)).toEqual(HEVC.pictures.map(({ key }) => key));
  });

  it("never throw at any payload", () => {
    const starts = fc.constantFrom("7c85", "7c05", "7c45", "18", "1d", "65", "41", "67", "68", "6242", "6001", "ff");
    const payloads = fc.array(fc.tuple(starts, fc.uint8Array({ maxLength: 40 }), fc.boolean(), fc.nat(3)), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(payloads, fc.constantFrom<FilmStrip["codec"]>("H264", "H265"), (all, codec) => {
        const { push, units, depacketizer } = bench(codec);
        const state: RtpState = { sequence: 0, timestamp: 0, ssrc: 1 };
        for (const [start, rest, marker, ticks] of all) {
          state.timestamp += ticks;
          const payload = Buffer.concat([Buffer.from(start, "hex"), rest]);
          const [packet = Buffer.alloc(0)] = rtpPackets("H264", [Buffer.from([1])], state);
          const bytes = Buffer.concat([packet.subarray(0, 12), payload]);
          bytes.writeUInt8(96 | (marker ? 128 : 0), 1);
          push(bytes);
        }
        for (const { data } of units) expect(data.length).toBeGreaterThan(4);
        expect(typeof depacketizer.waitsForKey).toBe("boolean");
      }),
      { numRuns: 1_000 },
    );
  });
});
