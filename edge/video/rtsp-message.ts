import { HubError } from "#core/errors.ts";

/** Why an attempt at a stream ended. Its message names host, port and status at most: an address may hold a password. */
export class RtspError extends HubError {}

/** An answer of a server. Names of headers are in lower case; repeated ones are all there. */
export interface RtspResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Buffer;
}

/** A request that a server sent to its client. */
export interface RtspServerRequest {
  readonly method: string;
  readonly cseq: string | undefined;
}

/** What comes in on one connection, in order. `payload` is a view that holds until the callback returns. */
export interface RtspSink {
  onResponse(response: RtspResponse): void;
  onRequest(request: RtspServerRequest): void;
  onInterleaved(channel: number, payload: Buffer): void;
}

/** Most that a server may send of each, bytes. */
export interface RtspLimits {
  readonly headerBytes: number;
  readonly bodyBytes: number;
}

export const RTSP_LIMITS: RtspLimits = { headerBytes: 16_384, bodyBytes: 65_536 };

const DOLLAR = 0x24;
const CR = 0x0d;
const LF = 0x0a;
const INTERLEAVED_HEADER_BYTES = 4;
const STATUS_LINE = /^RTSP\/1\.[0-9] ([1-5][0-9]{2})(?: |$)/;
const REQUEST_LINE = /^([A-Z_]{3,20}) \S+ RTSP\/1\.[0-9]$/;
const HEADER_END = "\r\n\r\n";
const MAX_HEADERS = 100;

/** Reads one connection: messages and interleaved data in turn. Keeps at most one unfinished unit. [RFC 2326 §10.12] */
export class RtspReader {
  readonly #sink: RtspSink;
  readonly #limits: RtspLimits;
  #rest: Buffer = Buffer.alloc(0);

  constructor(sink: RtspSink, limits: RtspLimits = RTSP_LIMITS) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** Bytes that wait for the rest of their unit. */
  get waiting(): number {
    return this.#rest.length;
  }

  /** Takes what came. @throws RTSP_MALFORMED | RTSP_TOO_LARGE */
  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const taken = this.#unit(bytes.subarray(at));
      if (taken === 0) break;
      at += taken;
    }
    // a copy: a view would keep the whole chunk
    this.#rest = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at));
  }

  /** How many bytes the unit at the front took; 0 when it is not whole. */
  #unit(bytes: Buffer): number {
    const first = bytes[0];
    if (first === undefined) return 0;
    if (first === DOLLAR) return this.#interleaved(bytes);
    // line ends between messages are of no meaning
    if (first === CR || first === LF) return 1;
    return this.#message(bytes);
  }

  #interleaved(bytes: Buffer): number {
    if (bytes.length < INTERLEAVED_HEADER_BYTES) return 0;
    const end = INTERLEAVED_HEADER_BYTES + bytes.readUInt16BE(2);
    if (bytes.length < end) return 0;
    this.#sink.onInterleaved(bytes.readUInt8(1), bytes.subarray(INTERLEAVED_HEADER_BYTES, end));
    return end;
  }

  #message(bytes: Buffer): number {
    const headEnd = bytes.indexOf(HEADER_END, 0, "latin1");
    if (headEnd > this.#limits.headerBytes || (headEnd < 0 && bytes.length > this.#limits.headerBytes))
      throw new RtspError("RTSP_TOO_LARGE", `a header of more than ${this.#limits.headerBytes} bytes`);
    if (headEnd < 0) {
      this.#checkStart(bytes);
      return 0;
    }
    const [startLine = "", ...lines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
    const headers = readHeaders(lines);
    const bodyBytes = this.#bodyBytes(headers);
    const bodyAt = headEnd + HEADER_END.length;
    if (bytes.length < bodyAt + bodyBytes) return 0;
    const status = STATUS_LINE.exec(startLine)?.[1];
    const method = REQUEST_LINE.exec(startLine)?.[1];
    if (status !== undefined) {
      const body = Buffer.from(bytes.subarray(bodyAt, bodyAt + bodyBytes));
      this.#sink.onResponse({ status: Number(status), headers, body });
    } else if (method !== undefined) this.#sink.onRequest({ method, cseq: headers.get("cseq")?.[0] });
    else throw new RtspError("RTSP_MALFORMED", "neither an RTSP message nor interleaved data", { retriable: true });
    return bodyAt + bodyBytes;
  }

  /** Ends garbage at its first bytes, not only when the limit is reached. */
  #checkStart(bytes: Buffer): void {
    const start = bytes.toString("latin1", 0, Math.min(bytes.length, 20));
    if (!/^[A-Z_]+([/ ]|$)/.test(start))
      throw new RtspError("RTSP_MALFORMED", "neither an RTSP message nor interleaved data", { retriable: true });
  }

  #bodyBytes(headers: ReadonlyMap<string, readonly string[]>): number {
    const text = headers.get("content-length")?.[0];
    if (text === undefined) return 0;
    if (!/^[0-9]{1,10}$/.test(text)) throw new RtspError("RTSP_MALFORMED", "a Content-Length that is no number");
    const bytes = Number(text);
    if (bytes > this.#limits.bodyBytes)
      throw new RtspError("RTSP_TOO_LARGE", `a body of ${bytes} bytes, at most ${this.#limits.bodyBytes}`);
    return bytes;
  }
}

function readHeaders(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  if (lines.length > MAX_HEADERS) throw new RtspError("RTSP_TOO_LARGE", `${lines.length} header lines`);
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    const values = headers.get(name) ?? [];
    values.push(line.slice(colon + 1).trim());
    headers.set(name, values);
  }
  return headers;
}

/** A request as sent. Headers hold no line ends. */
export function rtspRequest(method: string, uri: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value.replace(/[\r\n]/g, "")}\r\n`);
  return `${method} ${uri} RTSP/1.0\r\n${lines.join("")}\r\n`;
}

/** A session that a server gave. */
export interface RtspSessionId {
  readonly id: string;
  /** It ends without a sign of life for so long, ms. */
  readonly timeoutMs: number;
}

const DEFAULT_TIMEOUT_S = 60;
const SHORTEST_TIMEOUT_S = 4;
const LONGEST_TIMEOUT_S = 600;

/** Reads a Session header. [RFC 2326 §12.37] */
export function readSession(header: string | undefined): RtspSessionId | undefined {
  const match = /^([^\s;]{1,256})(?:.*;\s*timeout\s*=\s*([0-9]{1,9}))?/i.exec(header ?? "");
  if (match?.[1] === undefined) return undefined;
  const seconds = match[2] === undefined ? DEFAULT_TIMEOUT_S : Number(match[2]);
  return { id: match[1], timeoutMs: Math.min(LONGEST_TIMEOUT_S, Math.max(SHORTEST_TIMEOUT_S, seconds)) * 1000 };
}

/** Channels of RTP and RTCP in a Transport header's answer; 0 and 1 where it names none. [RFC 2326 §12.39] */
export function readInterleaved(
  header: string | undefined,
): { readonly rtp: number; readonly rtcp: number } | undefined {
  if (header === undefined || !/RTP\/AVP\/TCP/i.test(header)) return undefined;
  const match = /interleaved\s*=\s*([0-9]{1,3})(?:-([0-9]{1,3}))?/i.exec(header);
  const rtp = Number(match?.[1] ?? 0);
  return { rtp, rtcp: Number(match?.[2] ?? rtp + 1) };
}
