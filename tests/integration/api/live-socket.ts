import { once } from "node:events";
import { WebSocket } from "ws";
import type { LiveMessage, LiveRequest } from "#core/contracts/live.ts";
import { headersOf, type ParkApi, type SignedIn } from "#tests/fixtures/cloud/park-api.ts";

type Item = { readonly id: string };

/** A page's socket on the park's API, with all it was told. */
export interface Page {
  readonly socket: WebSocket;
  readonly told: readonly LiveMessage<Item>[];
  /** Code and reason of the close, once there was one. */
  readonly closed: { code: number; reason: string } | undefined;
  send(message: LiveRequest): void;
}

/** Starts listening on a free loopback port; the address of the live socket. */
export async function listen(park: ParkApi): Promise<string> {
  const address = await park.app.listen({ host: "127.0.0.1", port: 0 });
  return `${address.replace("http:", "ws:")}/api/v1/live`;
}

/** Connects as a page or a program. Rejects with the HTTP status when the upgrade is refused. */
export async function connect(
  url: string,
  who: { readonly as?: SignedIn; readonly token?: string; readonly headers?: Record<string, string> },
): Promise<Page> {
  const socket = new WebSocket(url, { headers: headersOf(who) });
  const told: LiveMessage<Item>[] = [];
  let closed: Page["closed"];
  socket.on("message", (data) => told.push(JSON.parse(String(data)) as LiveMessage<Item>));
  socket.on("close", (code, reason) => {
    closed = { code, reason: String(reason) };
  });
  await Promise.race([
    once(socket, "open"),
    once(socket, "unexpected-response").then(([, response]) => {
      socket.on("error", () => undefined);
      socket.terminate();
      throw new Error(`refused with ${(response as { statusCode: number }).statusCode}`);
    }),
  ]);
  return {
    socket,
    told,
    get closed() {
      return closed;
    },
    send: (message) => socket.send(JSON.stringify(message)),
  };
}
