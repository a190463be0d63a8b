import { once } from "node:events";
import { WebSocket } from "ws";
import type { LiveKind, LiveMessage, LiveRequest } from "#core/contracts/live.ts";
import type { ApiClient } from "./api-client.ts";

type Filter = NonNullable<Extract<LiveRequest, { t: "view" }>["filter"]>;
interface Item {
  readonly id: string;
}

/** One page's live socket with one view. Nothing is asked for after the view was opened: what it holds was told by the server. */
export class LiveClient<T extends Item> {
  /** Every message since the view was opened, in order. */
  readonly messages: LiveMessage<T>[] = [];
  /** What the view shows now, by id. */
  readonly items = new Map<string, T>();
  /** Every state of every item that was told, in order. */
  readonly told: T[] = [];
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => this.#take(JSON.parse(String(data)) as LiveMessage<T>));
  }

  /** Opens the socket and one view with the client's session. Rejects when it is refused. */
  static async open<T extends Item>(client: ApiClient, kind: LiveKind, filter?: Filter): Promise<LiveClient<T>> {
    const socket = new WebSocket(`${client.base.replace("http", "ws")}/api/v1/live`, {
      headers: { cookie: client.cookie, origin: client.base },
    });
    const live = new LiveClient<T>(socket);
    await once(socket, "open");
    // A cloud that is killed later takes the socket with it.
    socket.on("error", () => socket.terminate());
    const view: LiveRequest = { t: "view", id: "v", kind, ...(filter === undefined ? {} : { filter }) };
    socket.send(JSON.stringify(view));
    return live;
  }

  close(): void {
    this.#socket.terminate();
  }

  #take(message: LiveMessage<T>): void {
    this.messages.push(message);
    if (message.t === "error") return;
    if (message.t === "snap") this.items.clear();
    const up = message.t === "snap" ? message.items : message.up;
    for (const item of up) this.items.set(item.id, item);
    this.told.push(...up);
    if (message.t === "delta") for (const id of message.rm) this.items.delete(id);
  }
}
