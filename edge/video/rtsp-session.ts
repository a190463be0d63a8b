import { connect as connectTcp, type OnReadOpts, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Clock } from "#core/clock.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { Count, VideoFailure } from "./picture.ts";
import { type RtpPacket, readRtp, readSenderReport, type SenderReport } from "./rtp.ts";
import { type Demand, RtspAuthorization, type RtspCredential } from "./rtsp-authorization.ts";
import {
  RtspError,
  RtspReader,
  type RtspResponse,
  type RtspSessionId,
  readInterleaved,
  readSession,
  rtspRequest,
} from "./rtsp-message.ts";
import { controlUri, type Description, readSdp, type VideoMedia } from "./sdp.ts";

/** Where a stream is, and who asks for it. */
export interface RtspTarget {
  /** rtsp:// or rtsps://; a name and password in it are not used. */
  readonly uri: string;
  readonly credential?: RtspCredential;
  /** Basic sends the password readably: only over TLS, on this machine, or where this says so. */
  readonly basicAllowed?: boolean;
}

/** Times of a session, ms. */
export interface RtspTimes {
  /** From the connection's start to its first answer, and from each request to the whole of its answer. */
  readonly answerMs: number;
}

export const RTSP_TIMES: RtspTimes = { answerMs: 5_000 };

/** Takes what plays. */
export interface MediaSink {
  onPacket(packet: RtpPacket): void;
  onReport(report: SenderReport): void;
}

export interface RtspSessionOptions {
  readonly target: RtspTarget;
  /** Which medium of the description is to be played; undefined: none of them can be. */
  readonly choose: (description: Description) => VideoMedia | undefined;
  readonly onMedia: (media: VideoMedia) => MediaSink;
  /** It is over, once; not after `stop`. */
  readonly onEnd: (failure: VideoFailure) => void;
  readonly clock: Clock;
  readonly count: Count;
  readonly times?: RtspTimes;
}

interface Pending {
  readonly settle: (response: RtspResponse) => void;
  readonly fail: (error: RtspError) => void;
}

const RTSP_PORT = 554;
const RTSPS_PORT = 322;
const MAX_URI = 2_048;
/** Demands for authentication that one request answers: a first one, and one for a nonce that ran out. */
const MAX_DEMANDS = 2;
/** How long the other side has to close after TEARDOWN, ms. */
const LINGER_MS = 300;
const READ_BYTES = 64 * 1024;
/** What the other side may leave unread, bytes: some hundred requests. */
const MAX_UNREAD_BYTES = 64 * 1024;
const USER_AGENT = "Parkhub";

const DEMAND_CODES: Readonly<Record<Exclude<Demand, "answer">, readonly [code: string, text: string]>> = {
  wrongCredential: ["RTSP_UNAUTHORIZED", "does not take the name and password"],
  basicRefused: ["RTSP_BASIC_REFUSED", "asks for the password in clear text (Basic without TLS)"],
  unknownScheme: ["RTSP_UNAUTHORIZED", "asks for an unknown way of authentication"],
};

/** One attempt at one stream: connects, plays, keeps the session alive. RTP and RTCP come interleaved. [RFC 2326] */
export class RtspSession {
  readonly #options: RtspSessionOptions;
  readonly #times: RtspTimes;
  readonly #url: URL;
  /** What stands in request lines: no credential in it. */
  readonly #uri: string;
  readonly #authorization: RtspAuthorization;
  readonly #reader: RtspReader;
  readonly #pending = new Map<number, Pending>();
  #socket: Socket | undefined;
  #cseq = 0;
  #session: RtspSessionId | undefined;
  #channels = { rtp: 0, rtcp: 1 };
  #sink: MediaSink | undefined;
  #aggregateUri: string;
  #keepAlive = "GET_PARAMETER";
  #cancelKeepAlive: (() => void) | undefined;
  #ended = false;

  /** @throws RTSP_ADDRESS_INVALID */
  constructor(options: RtspSessionOptions) {
    this.#options = options;
    this.#times = options.times ?? RTSP_TIMES;
    this.#url = readAddress(options.target.uri);
    this.#uri = withoutCredential(this.#url);
    this.#aggregateUri = this.#uri;
    this.#authorization = new RtspAuthorization(options.target.credential, () => this.#basicAllowed());
    this.#reader = new RtspReader({
      onResponse: (response) => this.#answered(response),
      onRequest: ({ cseq }) => this.#declined(cseq ?? "0"),
      onInterleaved: (channel, payload) => this.#interleaved(channel, payload),
    });
  }

  get #where(): string {
    return `${this.#url.hostname}:${this.#port}`;
  }
  get #secure(): boolean {
    return this.#url.protocol === "rtsps:";
  }
  get #port(): number {
    return Number(this.#url.port) || (this.#secure ? RTSPS_PORT : RTSP_PORT);
  }

  /** Begins. How it goes on is told to the sinks. */
  start(): void {
    this.#play().catch((error: unknown) => this.#end(error));
  }

  /** Ends politely, without telling `onEnd`. */
  async stop(): Promise<void> {
    const socket = this.#socket;
    const tearDown = !this.#ended && this.#session !== undefined;
    this.#close();
    if (socket === undefined || socket.destroyed) return;
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    const cancel = this.#options.clock.after(LINGER_MS, () => socket.destroy());
    socket.on("data", () => undefined);
    if (tearDown) socket.end(this.#request("TEARDOWN", this.#aggregateUri, {}));
    else socket.destroy();
    await closed;
    cancel();
  }

  #close(): void {
    this.#ended = true;
    this.#cancelKeepAlive?.();
    this.#socket?.removeAllListeners("data");
    for (const { fail } of [...this.#pending.values()]) fail(new RtspError("RTSP_CLOSED", "the session is closed"));
  }

  /** Ends the attempt for a reason from outside, such as that no picture comes. */
  fail(code: string, message: string): void {
    this.#end(new RtspError(code, message, { retriable: true }));
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#close();
    this.#socket?.destroy();
    const failure =
      error instanceof RtspError
        ? { code: error.code, message: error.message, retriable: error.retriable }
        : // the system's words name the address at most
          { code: errorCode(error), message: errorMessage(error), retriable: true };
    this.#options.onEnd({ ...failure, message: `${this.#where}: ${failure.message}` });
  }

  #basicAllowed(): boolean {
    const remote = this.#socket?.remoteAddress ?? "";
    return this.#secure || this.#options.target.basicAllowed === true || /^(?:::ffff:)?127\.|^::1$/.test(remote);
  }

  #connect(): Promise<void> {
    const host = this.#url.hostname.replace(/^\[|\]$/g, "");
    const socket = this.#secure
      ? connectTls({ host, port: this.#port, ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }) })
      : connectTcp({ host, port: this.#port, onread: this.#oneBuffer() });
    this.#socket = socket;
    socket.setNoDelay();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = new RtspError("RTSP_TIMEOUT", `no connection within ${this.#times.answerMs} ms`, { retriable: true });
    const cancel = this.#options.clock.after(this.#times.answerMs, () => reject(late));
    socket.once(this.#secure ? "secureConnect" : "connect", resolve);
    socket.on("data", (chunk) => this.#received(chunk));
    socket.on("error", (error) => {
      reject(error);
      this.#end(error);
    });
    socket.on("close", () => {
      const closed = new RtspError("RTSP_CLOSED", "the camera closed the connection", { retriable: true });
      reject(closed);
      this.#end(closed);
    });
    return promise.finally(cancel);
  }

  /** One buffer for all that comes: each read would else take 64 KB that only the garbage collector gives back. */
  #oneBuffer(): OnReadOpts {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    return {
      buffer,
      callback: (bytes) => {
        this.#received(buffer.subarray(0, bytes));
        return true;
      },
    };
  }

  #received(chunk: Buffer): void {
    if (this.#ended) return;
    this.#options.count("bytes", chunk.length);
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.#options.count("malformed");
      this.#end(error);
    }
  }

  async #play(): Promise<void> {
    await this.#connect();
    const options = await this.#ask("OPTIONS", this.#uri, {});
    const methods = options.headers.get("public")?.join(",") ?? "GET_PARAMETER";
    if (!/\bGET_PARAMETER\b/i.test(methods)) this.#keepAlive = "OPTIONS";
    const described = this.#granted(await this.#ask("DESCRIBE", this.#uri, { accept: "application/sdp" }), "DESCRIBE");
    const media = this.#choose(described);
    const base = described.headers.get("content-base")?.[0] ?? described.headers.get("content-location")?.[0];
    if (base !== undefined && /^rtsps?:\/\/[^\s]+$/i.test(base)) this.#aggregateUri = checkedUri(base);
    const transport = { transport: "RTP/AVP/TCP;unicast;interleaved=0-1" };
    const trackUri = checkedUri(controlUri(this.#aggregateUri, media.control));
    const setUp = this.#granted(await this.#ask("SETUP", trackUri, transport), "SETUP");
    const channels = readInterleaved(setUp.headers.get("transport")?.[0]);
    this.#session = readSession(setUp.headers.get("session")?.[0]);
    if (channels === undefined || this.#session === undefined)
      throw new RtspError("RTSP_REFUSED", "SETUP gave no session with interleaved transport", { retriable: true });
    this.#channels = channels;
    // pictures may come before the answer to PLAY
    this.#sink = this.#options.onMedia(media);
    this.#granted(await this.#ask("PLAY", this.#aggregateUri, { range: "npt=0.000-" }), "PLAY");
    this.#keepSessionAlive(this.#session);
  }

  #choose(described: RtspResponse): VideoMedia {
    const description = readSdp(described.body.toString("latin1"));
    const media = this.#options.choose(description);
    if (media !== undefined) return media;
    const offered = description.offered.join(", ") || "nothing known";
    throw new RtspError("RTSP_CODEC_UNSUPPORTED", `offers ${offered}`);
  }

  #granted(response: RtspResponse, method: string): RtspResponse {
    const { status } = response;
    if (status >= 200 && status < 300) return response;
    // a redirection is not followed: the credential goes to this camera only
    if (status === 404) throw new RtspError("RTSP_NOT_FOUND", `has no such stream (${method})`);
    throw new RtspError("RTSP_REFUSED", `answered ${status} to ${method}`, { retriable: status >= 400 });
  }

  #keepSessionAlive({ timeoutMs }: RtspSessionId): void {
    if (this.#ended) return;
    let waiting = false;
    this.#cancelKeepAlive = this.#options.clock.every(timeoutMs / 2, () => {
      // one that is not answered is no reason to end: that no picture comes is
      if (waiting) this.#options.count("keepAlivesUnanswered");
      waiting = true;
      this.#ask(this.#keepAlive, this.#aggregateUri, {}, timeoutMs)
        .then(({ status }) => {
          waiting = false;
          if (status === 454)
            throw new RtspError("RTSP_SESSION_LOST", "the camera has ended the session", { retriable: true });
          if (status >= 400) this.#keepAlive = "OPTIONS";
        })
        .catch((error: unknown) => {
          if (!(error instanceof RtspError) || error.code !== "RTSP_TIMEOUT") this.#end(error);
        });
    });
  }

  /** Asks and answers a demand for authentication. @throws RTSP_UNAUTHORIZED | RTSP_BASIC_REFUSED | RTSP_TIMEOUT | RTSP_CLOSED */
  async #ask(
    method: string,
    uri: string,
    headers: Readonly<Record<string, string>>,
    withinMs: number = this.#times.answerMs,
  ): Promise<RtspResponse> {
    for (let demands = 0; ; demands++) {
      const response = await this.#exchange(method, uri, headers, withinMs);
      if (response.status !== 401) return response;
      const demand = this.#authorization.demand(response.headers.get("www-authenticate") ?? [], demands > 0);
      const outcome = demand === "answer" && demands >= MAX_DEMANDS ? "wrongCredential" : demand;
      if (outcome === "answer") continue;
      const [code, text] = DEMAND_CODES[outcome];
      throw new RtspError(code, `the camera ${text}`);
    }
  }

  #request(method: string, uri: string, headers: Readonly<Record<string, string>>): string {
    const authorization = this.#authorization.header(method, uri);
    return rtspRequest(method, uri, {
      CSeq: String(++this.#cseq),
      "User-Agent": USER_AGENT,
      ...(this.#session === undefined ? {} : { Session: this.#session.id }),
      ...(authorization === undefined ? {} : { Authorization: authorization }),
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [titled(name), value])),
    });
  }

  #exchange(
    method: string,
    uri: string,
    headers: Readonly<Record<string, string>>,
    withinMs: number,
  ): Promise<RtspResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<RtspResponse>();
    if (this.#ended) {
      reject(new RtspError("RTSP_CLOSED", "the session is closed"));
      return promise;
    }
    this.#socket?.write(this.#request(method, uri, headers));
    const cseq = this.#cseq;
    const late = new RtspError("RTSP_TIMEOUT", `no whole answer to ${method} within ${withinMs} ms`, {
      retriable: true,
    });
    const cancel = this.#options.clock.after(withinMs, () => reject(late));
    this.#pending.set(cseq, { settle: resolve, fail: reject });
    return promise.finally(() => {
      cancel();
      this.#pending.delete(cseq);
    });
  }

  #answered(response: RtspResponse): void {
    // 1xx announces the answer
    if (response.status < 200) return;
    const cseq = Number(response.headers.get("cseq")?.[0]);
    const pending = this.#pending.get(cseq);
    if (pending === undefined) this.#options.count("unexpectedAnswers");
    else pending.settle(response);
  }

  /** A camera has nothing to ask. */
  #declined(cseq: string): void {
    if (this.#ended) return;
    this.#socket?.write(`RTSP/1.0 501 Not Implemented\r\nCSeq: ${cseq.slice(0, 20)}\r\n\r\n`);
    if ((this.#socket?.writableLength ?? 0) > MAX_UNREAD_BYTES)
      throw new RtspError("RTSP_UNREAD", "asks and does not read the answers", { retriable: true });
  }

  #interleaved(channel: number, payload: Buffer): void {
    const sink = this.#sink;
    if (sink === undefined || this.#ended) return;
    if (channel === this.#channels.rtp) {
      const packet = readRtp(payload);
      if (packet === undefined) this.#options.count("malformedPackets");
      else sink.onPacket(packet);
    } else if (channel === this.#channels.rtcp) {
      const report = readSenderReport(payload);
      if (report !== undefined) sink.onReport(report);
    }
  }
}

const titled = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

function readAddress(uri: string): URL {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url !== undefined && /^rtsps?:$/.test(url.protocol) && url.hostname !== "" && uri.length <= MAX_URI) return url;
  throw new RtspError("RTSP_ADDRESS_INVALID", "the camera gave an address that is no rtsp:// address");
}

function withoutCredential(url: URL): string {
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  return bare.href;
}

/** An address that a camera gave, for a request line. */
function checkedUri(uri: string): string {
  // no control characters and no spaces: they would end the request line
  if (uri.length > MAX_URI || !/^[\x21-\x7e]+$/.test(uri))
    throw new RtspError("RTSP_MALFORMED", "an address in the description that cannot be asked for");
  return uri;
}
