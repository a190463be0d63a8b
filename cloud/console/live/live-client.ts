import type { Clock } from "#core/clock.ts";
import { CLOSE_SESSION_ENDED, type LiveKind, type LiveMessage, type LiveRequest } from "#core/contracts/live.ts";
import { Cell } from "./cell.ts";

/** One connection as the client needs it. */
export interface LiveSocket {
  send(text: string): void;
  close(): void;
}
export interface LiveSocketEvents {
  opened(): void;
  received(text: string): void;
  /** Called once, also when it could not be opened. */
  closed(code: number): void;
}

export interface LiveClientOptions {
  readonly clock: Clock;
  readonly openSocket: (events: LiveSocketEvents) => LiveSocket;
  /** 0 to 1; spreads the reconnects of many consoles over time. */
  readonly random: () => number;
  /** The session has ended, or a connection was refused and the session should be looked at. */
  readonly onRefused: (ended: boolean) => void;
}

/**
 * `live`: heard of within seconds. `connecting`: not for a short while. `stale`: not for 10 s, what is shown may be out of date.
 * `off`: not wanted.
 */
export type LiveStatus = "off" | "connecting" | "live" | "stale";
export interface LiveState {
  readonly status: LiveStatus;
  /** Unix ms of the last sign of life; when it was started, before the first. */
  readonly heardAt: number;
}

type Filter = NonNullable<Extract<LiveRequest, { t: "view" }>["filter"]>;
type Receive = (message: LiveMessage<never>) => void;

interface View {
  readonly kind: LiveKind;
  readonly filter: Filter | undefined;
  readonly receive: Receive;
  since: { epoch: string; seq: number } | undefined;
}

const TICK_MS = 1000;
/** Asked so often for a sign of life: a browser does not show the server's pings to the page. */
const BEAT_MS = 4000;
/** Silent for so long: stale. */
export const STALE_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
const BEAT_ID = "beat";

/** The page's one WebSocket: its views, resumed where they were after a cut. Knows no browser, so that it can be tested alone. */
export class LiveClient {
  readonly #options: LiveClientOptions;
  readonly #views = new Map<string, View>();
  readonly state: Cell<LiveState>;
  #socket: LiveSocket | undefined;
  #open = false;
  #attempts = 0;
  #nextId = 0;
  #heardAt = 0;
  /** When the present connection was asked for. */
  #askedAt = 0;
  #beatAt = 0;
  #cancelTick: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;

  constructor(options: LiveClientOptions) {
    this.#options = options;
    this.state = new Cell<LiveState>({ status: "off", heardAt: options.clock.now() });
  }

  /** Connects, and stays so until `stop`. */
  start(): void {
    if (this.#cancelTick !== undefined) return;
    const { clock } = this.#options;
    this.#heardAt = clock.monotonic();
    this.state.set({ status: "connecting", heardAt: clock.now() });
    this.#cancelTick = clock.every(TICK_MS, () => this.#tick());
    this.#attempts = 0;
    this.#connect();
  }

  /** Disconnects and forgets where the views were. */
  stop(): void {
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    this.#cancelRetry?.();
    this.#drop();
    for (const view of this.#views.values()) view.since = undefined;
    this.state.set({ status: "off", heardAt: this.state.get().heardAt });
  }

  /** Connects now instead of after the wait: the network is back, or a person asks for it. */
  retryNow(): void {
    if (this.#cancelTick === undefined || this.#open) return;
    this.#cancelRetry?.();
    this.#drop();
    this.#attempts = 0;
    this.#connect();
  }

  /** Watches something. `receive` is given the messages of this view only. The returned function ends it. */
  view<T>(kind: LiveKind, filter: Filter | undefined, receive: (message: LiveMessage<T>) => void): () => void {
    const id = `v${++this.#nextId}`;
    const view: View = { kind, filter, receive: receive as Receive, since: undefined };
    this.#views.set(id, view);
    if (this.#open) this.#ask(id, view);
    return () => {
      if (this.#views.delete(id) && this.#open) this.#send({ t: "unview", id });
    };
  }

  #connect(): void {
    this.#askedAt = this.#options.clock.monotonic();
    const events: LiveSocketEvents = {
      opened: () => {
        if (socket !== this.#socket) return;
        this.#open = true;
        this.#heard();
        for (const [id, view] of this.#views) this.#ask(id, view);
      },
      received: (text) => {
        if (socket !== this.#socket) return;
        this.#heard();
        this.#attempts = 0;
        this.#receive(text);
      },
      closed: (code) => {
        if (socket === this.#socket) this.#closed(code);
      },
    };
    const socket = this.#options.openSocket(events);
    this.#socket = socket;
  }

  #closed(code: number): void {
    const wasOpen = this.#open;
    this.#drop();
    if (this.#cancelTick === undefined) return;
    if (code === CLOSE_SESSION_ENDED) {
      this.stop();
      this.#options.onRefused(true);
      return;
    }
    if (!wasOpen) this.#options.onRefused(false);
    this.#retryLater();
  }

  #retryLater(): void {
    const { clock, random } = this.#options;
    const most = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    this.#show();
    this.#cancelRetry?.();
    this.#cancelRetry = clock.after(most * (0.5 + random() / 2), () => {
      this.#cancelRetry = undefined;
      this.#connect();
    });
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#open = false;
    socket?.close();
  }

  #ask(id: string, { kind, filter, since }: View): void {
    this.#send({ t: "view", id, kind, ...(filter === undefined ? {} : { filter }), ...(since ? { since } : {}) });
  }

  #send(request: LiveRequest): void {
    this.#socket?.send(JSON.stringify(request));
  }

  #receive(text: string): void {
    const message = JSON.parse(text) as LiveMessage<never>;
    const view = this.#views.get(message.id);
    if (view === undefined) return;
    if (message.t !== "error") view.since = { epoch: message.epoch, seq: message.seq };
    view.receive(message);
  }

  #heard(): void {
    const { clock } = this.#options;
    this.#heardAt = clock.monotonic();
    this.#beatAt = this.#heardAt;
    const before = this.state.get();
    if (before.status !== "live") this.state.set({ status: "live", heardAt: clock.now() });
  }

  #tick(): void {
    const { clock } = this.#options;
    const silentMs = clock.monotonic() - this.#heardAt;
    const waitedMs = this.#open ? silentMs : clock.monotonic() - this.#askedAt;
    if (this.#socket !== undefined && waitedMs >= STALE_MS) {
      // Open but silent, or never opened: the other end may be gone without a word.
      this.#drop();
      this.#retryLater();
    } else if (this.#open && clock.monotonic() - this.#beatAt >= BEAT_MS) {
      this.#beatAt = clock.monotonic();
      // A view of nothing is always answered.
      this.#send({ t: "view", id: BEAT_ID, kind: "notices", filter: { ids: [] } });
    }
    this.#show();
  }

  #show(): void {
    const { clock } = this.#options;
    if (this.#open && clock.monotonic() - this.#heardAt < STALE_MS) return;
    const silentMs = clock.monotonic() - this.#heardAt;
    const status = silentMs >= STALE_MS ? "stale" : "connecting";
    if (this.state.get().status !== status) this.state.set({ status, heardAt: clock.now() - silentMs });
  }
}
