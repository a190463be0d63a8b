import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decrypt, encrypt } from "#protocols/sia-dc09/codec/cipher.ts";
import { parseContactId, parseContent, parseSia } from "#protocols/sia-dc09/codec/content.ts";
import { crc16 } from "#protocols/sia-dc09/codec/crc.ts";
import { type Frame, FrameReader, formatFrame, MAX_BODY_BYTES } from "#protocols/sia-dc09/codec/frame.ts";
import { negative, reply } from "#protocols/sia-dc09/codec/reply.ts";
import { formatTimestamp, parseTimestamp } from "#protocols/sia-dc09/codec/timestamp.ts";
import { meaningOf } from "#protocols/sia-dc09/event-codes.ts";

const latin = (text: string): Uint8Array => Buffer.from(text, "latin1");
const frameOf = (text: string): Frame => {
  const [found] = new FrameReader().push(latin(text));
  if (found === undefined || typeof found === "string") throw new Error(`no frame: ${found}`);
  return found;
};

describe("frames published by others (source: the tests of github fioletoven/dc09, frames of SIA DC-09 receivers in the field)", () => {
  it.each([
    ['\nF4D20029"SIA-DCS"0001RF3L77#1234[#1234|NRR|Atest]\r', "SIA-DCS", "RF3", "L77", "1234"],
    ['\n96ED0016"SIA-DCS"0001L0#1234[]\r', "SIA-DCS", "", "L0", "1234"],
    ['\nE4410025"NAK"0000R0L0A0[]_16:20:01,09-24-2025\r', "NAK", "R0", "L0", ""],
  ])("%j is read and made byte for byte", (text, id, receiver, line, account) => {
    const frame = frameOf(text);
    expect(frame).toMatchObject({ id, receiver, line, account, encrypted: false });
    expect(Buffer.from(formatFrame(frame.body)).toString("latin1")).toBe(text);
  });

  it("holds the report and its text", () => {
    const content = parseContent(frameOf('\nF4D20029"SIA-DCS"0001RF3L77#1234[#1234|NRR|Atest]\r').content);
    expect(content).toMatchObject({ account: "1234", data: "NRR|Atest" });
    expect(parseSia(content?.data ?? "")).toEqual([{ format: "SIA-DCS", code: "RR", qualifier: "new", text: "test" }]);
  });
});

it("makes the CRC of the catalogue's check word (CRC-16/ARC: BB3D)", () => {
  expect(crc16(latin("123456789"))).toBe(0xbb3d);
});

describe("what a frame says", () => {
  it("knows partition, user and several codes of one block", () => {
    expect(parseSia("Nti20:50/id12/ri4/BA3/BA04")).toEqual([
      { format: "SIA-DCS", code: "BA", qualifier: "new", zone: "3", partition: "4", user: "12" },
      { format: "SIA-DCS", code: "BA", qualifier: "new", zone: "4", partition: "4", user: "12" },
    ]);
    expect(parseSia("NRP0|Oti1/BR1")).toHaveLength(2);
  });
  it("makes nothing of what is no report", () => {
    for (const data of ["", "X1", "N//ZZZ9Q", "Nlowercase!", "|", "Atext"])
      expect(parseSia(data), data).toBeUndefined();
    for (const data of ["", "2131 01 015", "1131 01", "113A 01 015"])
      expect(parseContactId(data), data).toBeUndefined();
  });
  it("reads Contact ID with its qualifier, and a user in the place of a zone for openings", () => {
    expect(parseContactId("1131 01 015")).toEqual([
      { format: "ADM-CID", code: "131", qualifier: "new", partition: "1", zone: "15" },
    ]);
    expect(parseContactId("3401 02 007")).toEqual([
      { format: "ADM-CID", code: "401", qualifier: "restore", partition: "2", user: "7" },
    ]);
    expect(parseContactId("113101015")).toMatchObject([{ zone: "15" }]);
  });
  it("keeps extended data and the time, and refuses a time that is none", () => {
    expect(parseContent("#1234|NBA1][M001122334455][X1E2]_10:20:30,11-21-2026")).toEqual({
      account: "1234",
      data: "NBA1",
      extended: ["M001122334455", "X1E2"],
      timestamp: Date.UTC(2026, 10, 21, 10, 20, 30),
    });
    expect(parseContent("NBA1]")).toEqual({ data: "NBA1", extended: [] });
    for (const content of ["NBA1", "NBA1]x", "NBA1]_25:00:00,11-21-2026", "NBA1]_10:00:00,02-30-2026"])
      expect(parseContent(content), content).toBeUndefined();
  });
});

describe("what a report means", () => {
  const sia = (code: string) => meaningOf({ format: "SIA-DCS", code, qualifier: "new" });
  const cid = (code: string, qualifier: "new" | "restore" | "present" = "new") =>
    meaningOf({ format: "ADM-CID", code, qualifier });

  it.each([
    ["BA", { class: "alarm", state: true, category: "intrusion" }],
    ["BR", { class: "alarm", state: false, category: "intrusion" }],
    ["FA", { class: "alarm", state: true, category: "fire" }],
    ["PA", { class: "panic", state: true, category: "panic" }],
    ["TA", { class: "tamper", state: true, category: "tamper" }],
    ["TR", { class: "tamper", state: false, category: "tamper" }],
    ["BB", { class: "bypass", state: true }],
    ["OP", { class: "arm", state: false }],
    ["CL", { class: "arm", state: true }],
    ["AT", { class: "mains", state: true, category: "system" }],
    ["RP", { class: "test" }],
    ["QQ", { class: "other" }],
  ])("%s", (code, expected) => {
    expect(sia(code)).toEqual(expected);
  });
  it("takes a Contact ID closing for arming, an opening for disarming", () => {
    expect(cid("401", "restore")).toEqual({ class: "arm", state: true });
    expect(cid("401")).toEqual({ class: "arm", state: false });
  });
  it("tells fire, intrusion, perimeter, tamper and duress of Contact ID apart", () => {
    expect([cid("110").category, cid("131").category, cid("137").class, cid("121").class]).toEqual([
      "fire",
      "intrusion",
      "tamper",
      "duress",
    ]);
    expect(cid("130", "present").state).toBe(true);
    expect(cid("999")).toEqual({ class: "other" });
  });
});

describe("a stream of bytes", () => {
  const bodies = [
    '"SIA-DCS"0001L0#1234[#1234|NBA1]',
    '"NULL"0002L0#1234[]',
    '"ADM-CID"0003R1L2#ABCD[#ABCD|1130 01 002]',
  ];
  const whole = Buffer.concat(bodies.map((body) => formatFrame(body)));
  const read = (pieces: readonly Uint8Array[]): (string | undefined)[] => {
    const reader = new FrameReader();
    return pieces
      .flatMap((piece) => reader.push(piece))
      .map((found) => (typeof found === "string" ? undefined : found.body))
      .filter((body) => body !== undefined);
  };

  it("gives the same frames however it is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: whole.length }), { maxLength: 20 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const pieces = at.slice(1).map((end, i) => whole.subarray(at[i] ?? 0, end));
        expect(read(pieces)).toEqual(bodies);
      }),
    );
    expect(read([...whole].map((byte) => Uint8Array.of(byte)))).toEqual(bodies);
  });

  it("finds the frame behind any garbage that holds no beginning of one", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        const clean = garbage.map((byte) => (byte === 0x0a ? 0x20 : byte));
        expect(read([clean, whole])).toEqual(bodies);
      }),
    );
  });

  it("never throws, never grows and never believes a frame with a wrong CRC", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), (bytes) => {
        const reader = new FrameReader();
        for (const byte of bytes) reader.push(Uint8Array.of(byte));
        expect(reader.pending).toBeLessThanOrEqual(MAX_BODY_BYTES + 16);
      }),
      { numRuns: 30 },
    );
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        for (const body of read([damaged])) expect(bodies).toContain(body);
      }),
    );
  });

  it("takes the CRC as two raw bytes too, as some panels send it", () => {
    const body = bodies[0] ?? "";
    const [frame] = new FrameReader().push(formatFrame(body, true));
    expect(frame).toMatchObject({ body, binaryCrc: true });
  });

  it("refuses a length beyond the standard's", () => {
    expect(new FrameReader().push(latin('\n12341FFF"SIA-DCS"\r'))).toContain("length");
  });
});

describe("encryption", () => {
  it.each([16, 24, 32])("gives back what was sealed with a key of %i bytes, padded to whole blocks", (bytes) => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: bytes, maxLength: bytes }),
        fc.stringMatching(/^[\x20-\x7e]{0,80}$/),
        (key, content) => {
          const sealed = encrypt(content, key);
          expect(sealed.length % 32).toBe(0);
          expect(decrypt(sealed, key)).toBe(content);
        },
      ),
    );
  });
  it("opens nothing with another key", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (other) => {
        const key = new Uint8Array(16).fill(7);
        fc.pre(!other.every((byte) => byte === 7));
        expect(decrypt(encrypt("#1234|NBA1]_10:20:30,11-21-2026", key), other)).toBeUndefined();
      }),
    );
  });
  it("refuses keys of other lengths and what is no whole number of blocks", () => {
    expect(() => encrypt("x", new Uint8Array(8))).toThrow(expect.objectContaining({ code: "SIA_KEY_INVALID" }));
    expect(decrypt("00", new Uint8Array(16))).toBeUndefined();
    expect(decrypt("zz".repeat(16), new Uint8Array(16))).toBeUndefined();
  });
});

describe("replies", () => {
  const now = Date.UTC(2026, 10, 21, 10, 20, 30);
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1").slice(9, -1);

  it("repeats sequence, receiver, line and account of the frame", () => {
    const frame = frameOf('\nF4D20029"SIA-DCS"0001RF3L77#1234[#1234|NRR|Atest]\r');
    expect(text(reply("ACK", frame, now))).toBe('"ACK"0001RF3L77#1234[]');
    expect(text(reply("DUH", frame, now))).toBe('"DUH"0001RF3L77#1234[]');
  });
  it("carries our clock where it may set the panel's", () => {
    expect(text(negative(now))).toBe('"NAK"0000R0L0A0[]_10:20:30,11-21-2026');
    const key = new Uint8Array(32).fill(3);
    const frame = { ...frameOf('\n96ED0016"SIA-DCS"0001L0#1234[]\r'), encrypted: true };
    const sealed = text(reply("ACK", frame, now, key));
    expect(sealed).toMatch(/^"\*ACK"0001L0#1234\[[0-9A-F]+$/);
    expect(decrypt(sealed.slice(sealed.indexOf("[") + 1), key)).toBe("]_10:20:30,11-21-2026");
  });
  it("writes every time so that it is read again", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_800 }), (seconds) => {
        expect(parseTimestamp(formatTimestamp(seconds * 1000))).toBe(seconds * 1000);
      }),
    );
  });
});
