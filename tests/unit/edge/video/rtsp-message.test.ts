import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  RtspError,
  RtspReader,
  type RtspSink,
  readInterleaved,
  readSession,
  rtspRequest,
} from "#edge/video/rtsp-message.ts";

interface Seen {
  readonly kind: "response" | "request" | "interleaved";
  readonly what: string;
}

function reader(limits?: { headerBytes: number; bodyBytes: number }): { reader: RtspReader; seen: Seen[] } {
  const seen: Seen[] = [];
  const sink: RtspSink = {
    onResponse: ({ status, headers, body }) =>
      seen.push({ kind: "response", what: `${status} ${headers.get("cseq")?.[0]} ${body.toString("latin1")}` }),
    onRequest: ({ method, cseq }) => seen.push({ kind: "request", what: `${method} ${cseq}` }),
    onInterleaved: (channel, payload) =>
      seen.push({ kind: "interleaved", what: `${channel} ${payload.toString("hex")}` }),
  };
  return { reader: new RtspReader(sink, limits), seen };
}

const CONNECTION = Buffer.concat([
  Buffer.from("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 5\r\n\r\nhello"),
  Buffer.from([0x24, 0, 0, 3, 1, 2, 3]),
  Buffer.from("\r\n"),
  Buffer.from([0x24, 1, 0, 0]),
  Buffer.from("OPTIONS rtsp://client RTSP/1.0\r\nCSeq: 9\r\n\r\n"),
  Buffer.from("RTSP/1.0 454 Session Not Found\r\ncseq:2\r\n\r\n"),
]);
const EXPECTED: readonly Seen[] = [
  { kind: "response", what: "200 1 hello" },
  { kind: "interleaved", what: "0 010203" },
  { kind: "interleaved", what: "1 " },
  { kind: "request", what: "OPTIONS 9" },
  { kind: "response", what: "454 2 " },
];

function failure(bytes: Buffer | string, limits?: { headerBytes: number; bodyBytes: number }): string {
  try {
    reader(limits).reader.push(Buffer.from(bytes));
  } catch (error) {
    return error instanceof RtspError ? error.code : `unexpected ${String(error)}`;
  }
  return "none";
}

describe("an RTSP connection", () => {
  it("is read the same however its bytes are cut into segments", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: CONNECTION.length }), { maxLength: 30 }), (cuts) => {
        const { reader: one, seen } = reader();
        let from = 0;
        for (const cut of [...cuts.toSorted((a, b) => a - b), CONNECTION.length]) {
          one.push(CONNECTION.subarray(from, cut));
          from = Math.max(from, cut);
        }
        expect(seen).toEqual(EXPECTED);
        expect(one.waiting).toBe(0);
      }),
    );
  });

  it("is read the same byte by byte", () => {
    const { reader: one, seen } = reader();
    for (const byte of CONNECTION) one.push(Buffer.from([byte]));
    expect(seen).toEqual(EXPECTED);
  });

  it("ends with the first bytes that are neither a message nor interleaved data", () => {
    expect(failure("\0\0")).toBe("RTSP_MALFORMED");
    expect(failure("hello")).toBe("RTSP_MALFORMED");
    expect(failure("HTTP/1.1 200 OK\r\n\r\n")).toBe("RTSP_MALFORMED");
    expect(failure("RTSP/1.0 2x0 OK\r\n\r\n")).toBe("RTSP_MALFORMED");
  });

  it("refuses a header or a body that is larger than any camera's", () => {
    expect(failure(`RTSP/1.0 200 OK\r\nX: ${"x".repeat(200)}`, { headerBytes: 100, bodyBytes: 10 })).toBe(
      "RTSP_TOO_LARGE",
    );
    expect(failure(`RTSP/1.0 200 OK\r\nX: ${"x".repeat(200)}\r\n\r\n`, { headerBytes: 100, bodyBytes: 10 })).toBe(
      "RTSP_TOO_LARGE",
    );
    expect(failure("RTSP/1.0 200 OK\r\nContent-Length: 65537\r\n\r\n")).toBe("RTSP_TOO_LARGE");
    expect(failure("RTSP/1.0 200 OK\r\nContent-Length: 9999999999999\r\n\r\n")).toBe("RTSP_MALFORMED");
    expect(failure("RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n")).toBe("RTSP_MALFORMED");
    expect(failure(`RTSP/1.0 200 OK\r\n${"a:b\r\n".repeat(200)}\r\n`)).toBe("RTSP_TOO_LARGE");
  });

  it("throws nothing but its own errors at any bytes, and keeps at most one unit of them", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...pieces())), { maxLength: 12 }),
        (chunks) => {
          const { reader: one } = reader();
          try {
            for (const chunk of chunks) one.push(Buffer.from(chunk));
          } catch (error) {
            expect(error).toBeInstanceOf(RtspError);
          }
          expect(one.waiting).toBeLessThan(16_384 + 65_536 + 200);
        },
      ),
      { numRuns: 500 },
    );
  });
});

function pieces(): readonly Buffer[] {
  return ["RTSP/1.0 200 OK\r\n", "\r\n\r\n", "CSeq: 1\r\n", "Content-Length: 70000\r\n", "$\0\xff\xff", "$"].map(
    (text) => Buffer.from(text, "latin1"),
  );
}

describe("headers", () => {
  it("tell the session and how long it lives, within reason", () => {
    expect(readSession("12345678;timeout=30")).toEqual({ id: "12345678", timeoutMs: 30_000 });
    expect(readSession("abc ; timeout = 90")).toEqual({ id: "abc", timeoutMs: 90_000 });
    expect(readSession("abc")).toEqual({ id: "abc", timeoutMs: 60_000 });
    expect(readSession("abc;timeout=0")).toEqual({ id: "abc", timeoutMs: 4_000 });
    expect(readSession("abc;timeout=999999999")).toEqual({ id: "abc", timeoutMs: 600_000 });
    expect(readSession(undefined)).toBeUndefined();
  });

  it("tell the channels that the server chose", () => {
    expect(readInterleaved("RTP/AVP/TCP;unicast;interleaved=4-5;ssrc=1")).toEqual({ rtp: 4, rtcp: 5 });
    expect(readInterleaved("RTP/AVP/TCP;unicast")).toEqual({ rtp: 0, rtcp: 1 });
    expect(readInterleaved("RTP/AVP;unicast;client_port=1-2")).toBeUndefined();
  });

  it("of a request cannot be broken up by a value", () => {
    expect(rtspRequest("PLAY", "rtsp://a/b", { CSeq: "1", Session: "x\r\nEvil: 1" })).toBe(
      "PLAY rtsp://a/b RTSP/1.0\r\nCSeq: 1\r\nSession: xEvil: 1\r\n\r\n",
    );
  });
});
