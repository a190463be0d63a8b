/** One RTSP request. */
export interface RtspRequest {
  readonly method: string;
  readonly uri: string;
  /** e.g. `1.0` */
  readonly version: string;
  /** Names in lower case. A header that is given twice has its values joined with a comma. */
  readonly headers: ReadonlyMap<string, string>;
}

/** What a client sends on its connection: a request, or a binary frame between requests. [RFC 2326 10.12] */
export type Incoming =
  | { readonly kind: "request"; readonly request: RtspRequest }
  | { readonly kind: "frame"; readonly channel: number; readonly payload: Uint8Array };

/** What came is no RTSP, or more of it than any client sends. */
export class MalformedMessage extends Error {}

/** Begins an interleaved frame. */
export const FRAME_MARK = 0x24;
const MAX_HEAD_BYTES = 16_384;
const MAX_BODY_BYTES = 65_536;
const END_OF_HEAD = Buffer.from("\r\n\r\n");

/** Cuts a connection's bytes into messages. Holds no more than one message and the chunk that ended it. */
export class MessageReader {
  #held: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
  }

  /** The next whole message, undefined when more bytes are needed. @throws MalformedMessage */
  next(): Incoming | undefined {
    // Empty lines between messages are let pass. [RFC 2326 4.1]
    let start = 0;
    while (this.#held[start] === 13 || this.#held[start] === 10) start++;
    this.#held = this.#held.subarray(start);
    if (this.#held.length === 0) return undefined;
    return this.#held[0] === FRAME_MARK ? this.#frame() : this.#request();
  }

  #frame(): Incoming | undefined {
    if (this.#held.length < 4) return undefined;
    const end = 4 + this.#held.readUInt16BE(2);
    if (this.#held.length < end) return undefined;
    const channel = this.#held.readUInt8(1);
    const payload = this.#held.subarray(4, end);
    this.#held = this.#held.subarray(end);
    return { kind: "frame", channel, payload };
  }

  #request(): Incoming | undefined {
    const end = this.#held.indexOf(END_OF_HEAD);
    if (end > MAX_HEAD_BYTES || (end < 0 && this.#held.length > MAX_HEAD_BYTES)) {
      throw new MalformedMessage(`a head of more than ${MAX_HEAD_BYTES} bytes`);
    }
    if (end < 0) return undefined;
    const request = parseHead(this.#held.subarray(0, end).toString("latin1"));
    const length = Number(request.headers.get("content-length") ?? 0);
    if (!Number.isInteger(length) || length < 0 || length > MAX_BODY_BYTES) {
      throw new MalformedMessage("a body of a length that no request has");
    }
    // No method served here means anything by its body.
    const after = end + END_OF_HEAD.length + length;
    if (this.#held.length < after) return undefined;
    this.#held = this.#held.subarray(after);
    return { kind: "request", request };
  }
}

function parseHead(head: string): RtspRequest {
  const [line = "", ...rest] = head.split("\r\n");
  const start = /^([A-Z_]{1,32}) (\S+) RTSP\/(\d\.\d)$/.exec(line);
  if (start === null) throw new MalformedMessage("no RTSP request line");
  const headers = new Map<string, string>();
  for (const text of rest) {
    const header = /^([^\s:]+)\s*:\s*(.*?)\s*$/.exec(text);
    if (header === null) throw new MalformedMessage("a header line without name");
    const name = (header[1] ?? "").toLowerCase();
    const former = headers.get(name);
    headers.set(name, former === undefined ? (header[2] ?? "") : `${former}, ${header[2] ?? ""}`);
  }
  return { method: start[1] ?? "", uri: start[2] ?? "", version: start[3] ?? "", headers };
}

/** Reason phrases of the statuses given here. [RFC 2326 7.1.1] */
const REASONS = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  453: "Not Enough Bandwidth",
  454: "Session Not Found",
  455: "Method Not Valid in This State",
  459: "Aggregate Operation Not Allowed",
  461: "Unsupported Transport",
  501: "Not Implemented",
  505: "RTSP Version Not Supported",
  551: "Option not supported",
} as const;

/** What a request is answered with. */
export interface RtspAnswer {
  readonly status: keyof typeof REASONS;
  /** In the order given; a name may come twice. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
}

/** An answer as it stands on the wire. `cseq`: that of the request, empty when it had none. */
export function formatAnswer(answer: RtspAnswer, cseq: string): string {
  const lines = [`RTSP/1.0 ${answer.status} ${REASONS[answer.status]}`];
  if (cseq !== "") lines.push(`CSeq: ${cseq}`);
  lines.push("Server: Parkhub simulator");
  for (const [name, value] of answer.headers ?? []) lines.push(`${name}: ${value}`);
  if (answer.body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(answer.body)}`);
  return `${lines.join("\r\n")}\r\n\r\n${answer.body ?? ""}`;
}
