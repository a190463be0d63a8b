import { Ajv } from "ajv";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import {
  CLOSE_SESSION_ENDED,
  CLOSE_TOO_SLOW,
  type LiveKind,
  type LiveMessage,
  LiveRequest,
} from "#core/contracts/live.ts";
import type { LiveChange } from "../ports.ts";
import { authorize, type Caller, requireOwnOrigin } from "./access.ts";
import type { ApiDeps } from "./deps.ts";
import { LiveChannels } from "./live-channels.ts";
import { type View, viewFor } from "./live-views.ts";
import { guardSocket } from "./socket-guard.ts";

const MOST_BUFFERED_BYTES = 1024 * 1024;
/** A page asks for its snapshots itself and may take its time with so much of them. */
const MOST_SNAPSHOT_BYTES = 16 * 1024 * 1024;
/** One act on ten thousand alarms, or a storm of them, is told in a change as large as a snapshot: it gets the time of one. */
const LARGE_BYTES = 256 * 1024;
const MOST_VIEWS = 32;
/** Longest message of a page, characters: two thousand ids. */
const MOST_MESSAGE = 256 * 1024;
/** A message that is none of ours. */
const CLOSE_PROTOCOL = 1008;
const CLOSE_TOO_BIG = 1009;
/** What a page views cannot be read now. [RFC 6455 7.4.1] */
const CLOSE_FAILED = 1011;

const validRequest = new Ajv({ strict: false }).compile<LiveRequest>(LiveRequest);

/** One page's socket: its views, each told only what belongs to it. */
class LiveConnection {
  readonly #socket: WebSocket;
  readonly #request: FastifyRequest;
  readonly #deps: ApiDeps;
  readonly #channels: LiveChannels;
  readonly #caller: Caller;
  readonly #views = new Map<string, () => void>();
  #stop: (() => void) | undefined;
  /** Snapshots, and changes as large, that are still on their way to the peer. */
  #snapshotBytes = 0;

  constructor(socket: WebSocket, request: FastifyRequest, caller: Caller, deps: ApiDeps, channels: LiveChannels) {
    this.#socket = socket;
    this.#request = request;
    this.#caller = caller;
    this.#deps = deps;
    this.#channels = channels;
  }

  open(): void {
    this.#stop = guardSocket(this.#socket, this.#request, this.#caller, this.#deps);
    this.#socket.on("message", (data) => this.#guarded(() => this.#receive(String(data))));
    this.#socket.on("close", () => this.#close());
  }

  /** Records that are away end the socket, not the process: the page connects again and asks for all of it. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#deps.logger.warn({ user: this.#caller.actor.name, err: error }, "a live socket cannot be served");
      this.#socket.close(CLOSE_FAILED, "cannot be served now");
    }
  }

  #receive(text: string): void {
    if (text.length > MOST_MESSAGE) {
      this.#socket.close(CLOSE_TOO_BIG, "message too long");
      return;
    }
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      message = undefined;
    }
    if (!validRequest(message)) {
      this.#socket.close(CLOSE_PROTOCOL, "expected a view or unview message");
      return;
    }
    this.#views.get(message.id)?.();
    this.#views.delete(message.id);
    if (message.t === "view") this.#view(message);
  }

  #view({ id, kind, filter, since }: Extract<LiveRequest, { t: "view" }>): void {
    const view = viewFor(kind, filter ?? {}, this.#caller.actor, this.#deps);
    if (view === undefined) {
      this.#send({ t: "error", id, code: "FORBIDDEN" });
      return;
    }
    if (this.#views.size >= MOST_VIEWS) {
      this.#send({ t: "error", id, code: "TOO_MANY_VIEWS" });
      return;
    }
    // Number first, content after: a change in between is told twice, never missed.
    const seq = this.#channels.seq(kind);
    const missed = since && this.#channels.since(kind, since.epoch, since.seq);
    if (missed) this.#delta(id, view, seq, missed, true);
    else this.#snap(id, kind, view);
    const stops = [
      this.#channels.listen(kind, (flushed, changes) =>
        this.#guarded(() => this.#delta(id, view, flushed, changes, false)),
      ),
      this.#channels.onReset(() => this.#guarded(() => this.#snap(id, kind, view))),
    ];
    this.#views.set(id, () => {
      for (const stop of stops) stop();
    });
  }

  /** Number first, content after, here too. */
  #snap(id: string, kind: LiveKind, view: View): void {
    const { epoch } = this.#channels;
    const seq = this.#channels.seq(kind);
    this.#send({ t: "snap", id, epoch, seq, items: view.snapshot() });
  }

  #delta(id: string, view: View, seq: number, changes: ReadonlyMap<string, LiveChange>, always: boolean): void {
    const up: unknown[] = [];
    const rm: string[] = [];
    for (const change of changes.values()) {
      if (!view.matches(change)) continue;
      const { item } = change;
      if (item === undefined) rm.push(change.id);
      else up.push(item);
    }
    if (always || up.length > 0 || rm.length > 0)
      this.#send({ t: "delta", id, epoch: this.#channels.epoch, seq, up, rm });
  }

  #send(message: LiveMessage): void {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    const changes = socket.bufferedAmount - this.#snapshotBytes;
    if (changes > MOST_BUFFERED_BYTES || this.#snapshotBytes > MOST_SNAPSHOT_BYTES) {
      this.#deps.logger.warn(
        { user: this.#caller.actor.name, ip: this.#request.ip },
        "live socket reads too slowly and is closed",
      );
      socket.close(CLOSE_TOO_SLOW, "too slow");
      return;
    }
    const bytes = Buffer.from(JSON.stringify(message));
    if (message.t !== "snap" && bytes.length <= LARGE_BYTES) {
      socket.send(bytes, { binary: false });
      return;
    }
    this.#snapshotBytes += bytes.length;
    socket.send(bytes, { binary: false }, () => {
      this.#snapshotBytes -= bytes.length;
    });
  }

  #close(): void {
    this.#stop?.();
    for (const stop of this.#views.values()) stop();
    this.#views.clear();
  }
}

/** `WS /api/v1/live`: snapshots and changes of what a page views. Reading only: every change is an HTTP request. */
export function serveLive(app: FastifyInstance, url: string, deps: ApiDeps): void {
  const channels = new LiveChannels(deps.bus, deps.clock);
  app.addHook("onClose", async () => channels.close());
  const callers = new WeakMap<FastifyRequest, Caller>();
  app.get(
    url,
    {
      websocket: true,
      schema: { hide: true },
      onRequest: async (request, reply) => {
        requireOwnOrigin(request, deps.https);
        callers.set(request, await authorize({ kind: "session" }, request, reply, deps));
      },
    },
    (socket, request) => {
      const caller = callers.get(request);
      if (caller) new LiveConnection(socket, request, caller, deps, channels).open();
      else socket.close(CLOSE_SESSION_ENDED, "sign in first");
    },
  );
}
