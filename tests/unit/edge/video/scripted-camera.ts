import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type FilmStrip, interleaved, type RtpState, rtpPackets } from "./film-strip.ts";

/** A request as a client sent it. */
export interface SeenRequest {
  readonly method: string;
  readonly uri: string;
  readonly cseq: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** What a camera does; all of it may be changed while it runs. */
export interface CameraScript {
  film: FilmStrip;
  /** Pictures a second on the wire. */
  rate: number;
  /** Ticks of RTP time between pictures; 3600 is 25 a second. */
  ticks: number;
  /** Answers a request in its own way; undefined leaves it to the camera. */
  answer?: (request: SeenRequest, socket: Socket) => string | undefined;
  /** Looks at what goes out for one picture, and may change it. */
  packets?: (packets: readonly Buffer[], index: number) => readonly Buffer[];
  session: string;
  publicMethods: string;
  sprop: boolean;
}

/** A camera whose every byte a test decides. It serves `/main` and `/sub` alike. */
export class ScriptedCamera {
  readonly script: CameraScript;
  readonly requests: SeenRequest[] = [];
  /** Pictures sent, over all connections. */
  sent = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  private constructor(script: CameraScript) {
    this.script = script;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(film: FilmStrip, changes: Partial<CameraScript> = {}): Promise<ScriptedCamera> {
    const script: CameraScript = {
      film,
      rate: 50,
      ticks: 3_600,
      session: "7;timeout=60",
      publicMethods: "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER",
      sprop: true,
      ...changes,
    };
    const camera = new ScriptedCamera(script);
    await camera.listen();
    return camera;
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  get port(): number {
    return this.#port;
  }
  get connections(): number {
    return this.#sockets.size;
  }
  uri(path = "main"): string {
    return `rtsp://127.0.0.1:${this.#port}/${path}`;
  }
  /** Requests of one method so far. */
  count(method: string): number {
    return this.requests.filter((request) => request.method === method).length;
  }

  /** Ends every connection at once, as when the power fails. */
  drop(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Power off: nothing listens any more. */
  async close(): Promise<void> {
    this.drop();
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let text = "";
    let stopPlaying = (): void => {};
    socket.on("error", () => undefined);
    socket.on("close", () => {
      stopPlaying();
      this.#sockets.delete(socket);
    });
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        const request = readRequest(text.slice(0, end));
        text = text.slice(end + 4);
        this.requests.push(request);
        const answer = this.script.answer?.(request, socket) ?? this.#answer(request);
        if (answer !== "") socket.write(answer);
        if (request.method === "PLAY" && answer.startsWith("RTSP/1.0 200")) stopPlaying = this.#play(socket);
        if (request.method === "TEARDOWN") socket.end();
      }
    });
  }

  #answer({ method, uri, cseq }: SeenRequest): string {
    const headers: Record<string, string> = { CSeq: cseq };
    let body = "";
    if (method === "OPTIONS") headers["Public"] = this.script.publicMethods;
    if (method === "DESCRIBE") {
      body = describe(this.script);
      headers["Content-Type"] = "application/sdp";
      headers["Content-Base"] = `${uri}/`;
      headers["Content-Length"] = String(body.length);
    }
    if (method === "SETUP") headers["Transport"] = "RTP/AVP/TCP;unicast;interleaved=0-1";
    if (method !== "OPTIONS" && method !== "DESCRIBE") headers["Session"] = this.script.session;
    return response(200, headers, body);
  }

  #play(socket: Socket): () => void {
    const state: RtpState = { sequence: 65_500, timestamp: 0xffff_0000, ssrc: 0x1234 };
    let index = 0;
    // another film begins with its first picture
    let first = 0;
    let shown = this.script.film;
    const begun = performance.now();
    const timer = setInterval(() => {
      const due = ((performance.now() - begun) / 1000) * this.script.rate;
      for (; index < due && !socket.destroyed; index++) {
        const { film, ticks, packets = (all) => all } = this.script;
        if (film !== shown) first = index;
        shown = film;
        const picture = film.pictures[(index - first) % film.pictures.length];
        if (picture === undefined) return;
        state.timestamp += ticks;
        for (const packet of packets(rtpPackets(film.codec, picture.nals, state), index))
          socket.write(interleaved(0, packet));
        this.sent++;
      }
    }, 5);
    return () => clearInterval(timer);
  }
}

/** A whole answer. */
export function response(status: number, headers: Readonly<Record<string, string>>, body = ""): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `RTSP/1.0 ${status} ${status === 200 ? "OK" : "No"}\r\n${lines.join("")}\r\n${body}`;
}

function readRequest(head: string): SeenRequest {
  const [start = "", ...lines] = head.split("\r\n");
  const [method = "", uri = ""] = start.split(" ");
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  return { method, uri, cseq: headers.get("cseq") ?? "0", headers };
}

/** The session description of a film. */
export function describe({ film, sprop }: Pick<CameraScript, "film" | "sprop">): string {
  const [a, b, c] = film.parameterSets.map((nal) => nal.toString("base64"));
  const sets =
    film.codec === "H264" ? `sprop-parameter-sets=${a},${b}` : `sprop-vps=${a};sprop-sps=${b};sprop-pps=${c}`;
  const format = `packetization-mode=1${sprop ? `;${sets}` : ""}`;
  return [
    "v=0",
    "o=- 0 0 IN IP4 127.0.0.1",
    "s=film",
    "t=0 0",
    "a=control:*",
    "m=video 0 RTP/AVP 96",
    `a=rtpmap:96 ${film.codec}/90000`,
    `a=fmtp:96 ${format}`,
    "a=control:track1",
    "",
  ].join("\r\n");
}
