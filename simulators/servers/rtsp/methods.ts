import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { SimulatedCamera } from "../../devices/camera.ts";
import { type CameraFeed, PICTURES_PER_SECOND, QUALITIES, type Quality } from "../../video/camera-feed.ts";
import type { RtspConnection } from "./connection.ts";
import type { DigestGuard } from "./digest.ts";
import type { VideoFaults } from "./faults.ts";
import type { RtspAnswer, RtspRequest } from "./message.ts";
import { describeStream, TRACK } from "./sdp.ts";
import { VideoSession } from "./session.ts";
import { InterleavedTransport, type MediaTransport, parseTransport, UdpTransport } from "./transport.ts";

/** Every method that is served. */
export const METHODS = ["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "GET_PARAMETER", "TEARDOWN"] as const;
const PUBLIC = ["Public", METHODS.join(", ")] as const;

/** What the methods work on. */
export interface MethodDeps {
  readonly camera: SimulatedCamera;
  readonly feed: CameraFeed;
  readonly guard: DigestGuard;
  readonly faults: VideoFaults;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly host: string;
  /** Told in the Session header, s. */
  readonly sessionTimeoutSeconds: number;
  /** More sessions are refused. */
  readonly maxSessions: number;
}

/** What a request's address names. */
interface Target {
  readonly quality: Quality;
  /** The media itself, not the presentation around it. */
  readonly track: boolean;
  /** Address of the presentation, with a slash at its end. */
  readonly base: string;
}

/** Sessions of a camera, and what RTSP's methods do with them. [RFC 2326 10] */
export class RtspMethods {
  readonly sessions = new Map<string, VideoSession>();
  readonly #deps: MethodDeps;

  constructor(deps: MethodDeps) {
    this.#deps = deps;
  }

  async answer(request: RtspRequest, connection: RtspConnection): Promise<RtspAnswer> {
    const problem = problemOf(request);
    if (problem !== undefined) return problem;
    // Cameras tell what they can before they ask who wants to know.
    if (request.method === "OPTIONS") {
      this.#touch(request);
      return { status: 200, headers: [PUBLIC] };
    }
    if (!METHODS.some((method) => method === request.method)) return { status: 501, headers: [PUBLIC] };
    const denied = this.#denial(request);
    if (denied !== undefined) return denied;
    const target = targetOf(request.uri, this.#deps.camera.id);
    if (target === undefined) return { status: 404 };
    if (request.method === "DESCRIBE") return this.#describe(target);
    if (request.method === "SETUP") return this.#setup(request, target, connection);
    const session = this.#touch(request);
    // [RFC 2326 10.8] without a session it tests whether the server lives
    if (request.method === "GET_PARAMETER" && !request.headers.has("session")) return { status: 200 };
    if (session === undefined || session.quality !== target.quality) return { status: 454 };
    return this.#control(request.method, session, target);
  }

  /** Ends a session. `told`: the client hears of it in RTCP. */
  end(session: VideoSession, told: boolean): void {
    this.sessions.delete(session.id);
    session.end(told);
  }

  #denial({ headers, method, uri }: RtspRequest): RtspAnswer | undefined {
    const { guard, faults } = this.#deps;
    const verdict = faults.isOn("video-wrong-password")
      ? "refused"
      : guard.judge(headers.get("authorization"), method, uri);
    if (verdict === "accepted") return undefined;
    const challenges = guard.challenges(verdict === "stale");
    return { status: 401, headers: challenges.map((value) => ["WWW-Authenticate", value] as const) };
  }

  #touch({ headers }: RtspRequest): VideoSession | undefined {
    const session = this.sessions.get((headers.get("session") ?? "").split(";")[0]?.trim() ?? "");
    if (session !== undefined) session.lastRequestAt = this.#deps.clock.monotonic();
    return session;
  }

  #describe({ quality, base }: Target): RtspAnswer {
    const { camera, feed, faults, host } = this.#deps;
    return {
      status: 200,
      headers: [
        ["Content-Base", base],
        ["Content-Type", "application/sdp"],
      ],
      body: describeStream({
        name: camera.nameEn,
        host,
        parameters: feed.parameters(quality),
        picturesPerSecond: PICTURES_PER_SECOND,
        h265: quality === "main" && faults.isOn("video-h265"),
      }),
    };
  }

  async #setup(request: RtspRequest, target: Target, connection: RtspConnection): Promise<RtspAnswer> {
    if (!target.track) return { status: 459 };
    // One medium a session, and its transport stays.
    if (request.headers.has("session")) return { status: this.#touch(request) === undefined ? 454 : 455 };
    if (this.sessions.size >= this.#deps.maxSessions) return { status: 453 };
    const transport = await this.#transport(request, connection);
    if (transport === undefined) return { status: 461 };
    const { camera, feed, faults, clock, host, sessionTimeoutSeconds } = this.#deps;
    const session = new VideoSession({
      feed,
      faults,
      quality: target.quality,
      transport,
      owner: connection,
      cname: `${camera.id}@${host}`,
      startedAt: clock.monotonic(),
    });
    if (connection.closed) {
      session.end(false);
      return { status: 454 };
    }
    this.sessions.set(session.id, session);
    return {
      status: 200,
      headers: [
        ["Transport", session.transport],
        ["Session", `${session.id};timeout=${sessionTimeoutSeconds}`],
      ],
    };
  }

  async #transport(request: RtspRequest, connection: RtspConnection): Promise<MediaTransport | undefined> {
    const wanted = parseTransport(request.headers.get("transport") ?? "");
    if (wanted === undefined) return undefined;
    if (wanted.kind === "interleaved") {
      return new InterleavedTransport(connection, wanted.channels);
    }
    try {
      return await UdpTransport.open(this.#deps.host, connection, wanted.ports);
    } catch (error) {
      this.#deps.logger.warn({ error: errorMessage(error) }, "no ports for a video client");
      return undefined;
    }
  }

  #control(method: string, session: VideoSession, { base }: Target): RtspAnswer {
    const header = ["Session", `${session.id};timeout=${this.#deps.sessionTimeoutSeconds}`] as const;
    switch (method) {
      case "PLAY": {
        const { sender } = session;
        const place = `seq=${sender.nextSequence};rtptime=${sender.timestamp(this.#deps.clock.monotonic())}`;
        session.play();
        const range = ["Range", "npt=now-"] as const;
        return { status: 200, headers: [header, range, ["RTP-Info", `url=${base}${TRACK};${place}`]] };
      }
      case "PAUSE":
        if (!session.playing) return { status: 455, headers: [header] };
        session.pause();
        return { status: 200, headers: [header] };
      case "TEARDOWN":
        this.end(session, false);
        return { status: 200 };
      default:
        return { status: 200, headers: [header] };
    }
  }
}

function problemOf({ headers, version }: RtspRequest): RtspAnswer | undefined {
  if (version !== "1.0") return { status: 505 };
  if (!/^\d{1,10}$/.test(headers.get("cseq") ?? "")) return { status: 400 };
  const required = headers.get("require");
  return required === undefined ? undefined : { status: 551, headers: [["Unsupported", required]] };
}

/** `rtsp://host:port/<camera>/<main or sub>`, with the track behind it or not. */
function targetOf(uri: string, camera: string): Target | undefined {
  const match = /^(rtsp:\/\/[^/]+\/([^/?]+)\/([^/?]+))\/?([^/?]*)(?:\?.*)?$/i.exec(uri);
  if (match === null || match[2] !== camera) return undefined;
  const quality = QUALITIES.find((candidate) => candidate === match[3]);
  const track = match[4] ?? "";
  if (quality === undefined || (track !== "" && track !== TRACK)) return undefined;
  return { quality, track: track !== "", base: `${match[1]}/` };
}
