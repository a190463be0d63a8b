import { beforeEach, describe, expect, it } from "vitest";
import { LiveClient, type LiveSocketEvents } from "#cloud/console/live/live-client.ts";
import { CLOSE_SESSION_ENDED, type LiveMessage, type LiveRequest } from "#core/contracts/live.ts";
import { ManualClock } from "#tests/manual-clock.ts";

/** The other end of each connection that the client has opened. */
class Connection {
  readonly sent: LiveRequest[] = [];
  closed = false;
  readonly events: LiveSocketEvents;
  constructor(events: LiveSocketEvents) {
    this.events = events;
  }
  say(message: LiveMessage): void {
    this.events.received(JSON.stringify(message));
  }
  views(): readonly Extract<LiveRequest, { t: "view" }>[] {
    return this.sent.filter((request) => request.t === "view" && request.id !== "beat") as never;
  }
}

let clock: ManualClock;
let connections: Connection[];
let refused: boolean[];
let client: LiveClient;
const last = (): Connection => connections.at(-1) as Connection;

beforeEach(() => {
  clock = new ManualClock(1_800_000_000_000);
  connections = [];
  refused = [];
  client = new LiveClient({
    clock,
    random: () => 1,
    onRefused: (ended) => refused.push(ended),
    openSocket(events) {
      const connection = new Connection(events);
      connections.push(connection);
      return {
        send: (text) => connection.sent.push(JSON.parse(text)),
        close: () => {
          connection.closed = true;
        },
      };
    },
  });
});

describe("the live connection", () => {
  it("asks for its views when it opens, and for a later one at once", () => {
    client.view("alarms", undefined, () => undefined);
    client.start();
    last().events.opened();
    client.view("points", { device: "park/gw-1/ahu-1" }, () => undefined);
    expect(last().views()).toMatchObject([
      { kind: "alarms" },
      { kind: "points", filter: { device: "park/gw-1/ahu-1" } },
    ]);
    expect(client.state.get().status).toBe("live");
  });

  it("hands a message to its own view only", () => {
    const alarms: LiveMessage[] = [];
    const runs: LiveMessage[] = [];
    client.view("alarms", undefined, (message) => alarms.push(message));
    client.view("runs", undefined, (message) => runs.push(message));
    client.start();
    last().events.opened();
    const id = last().views()[1]?.id ?? "";
    last().say({ t: "delta", id, epoch: "e", seq: 4, up: [], rm: [] });
    expect(alarms).toEqual([]);
    expect(runs).toHaveLength(1);
  });

  it("goes on after a cut where each view was", () => {
    client.view("alarms", undefined, () => undefined);
    client.start();
    last().events.opened();
    const id = last().views()[0]?.id ?? "";
    last().say({ t: "snap", id, epoch: "e", seq: 7, items: [] });
    last().say({ t: "delta", id, epoch: "e", seq: 9, up: [], rm: [] });
    last().events.closed(1006);
    clock.advance(500);
    last().events.opened();
    expect(connections).toHaveLength(2);
    expect(last().views()).toMatchObject([{ since: { epoch: "e", seq: 9 } }]);
  });

  it("waits longer after each failure, and looks at the session when it is refused", () => {
    client.start();
    last().events.closed(1006);
    clock.advance(500);
    last().events.closed(1006);
    clock.advance(999);
    expect(connections).toHaveLength(2);
    clock.advance(1);
    expect(connections).toHaveLength(3);
    expect(refused).toEqual([false, false]);
  });

  it("counts as stale after ten seconds without a connection", () => {
    client.start();
    last().events.opened();
    last().events.closed(1006);
    expect(client.state.get().status).toBe("connecting");
    clock.advance(10_000);
    expect(client.state.get().status).toBe("stale");
    last().events.opened();
    expect(client.state.get().status).toBe("live");
  });

  it("gives each new connection its time, also when it has long been stale", () => {
    client.start();
    last().events.closed(1006);
    clock.advance(13_000);
    const waiting = last();
    clock.advance(8000);
    expect(waiting.closed).toBe(false);
    clock.advance(2000);
    expect(waiting.closed).toBe(true);
  });

  it("asks for a sign of life, and drops a connection that gives none for ten seconds", () => {
    client.start();
    const first = last();
    first.events.opened();
    clock.advance(4000);
    expect(first.sent).toContainEqual({ t: "view", id: "beat", kind: "notices", filter: { ids: [] } });
    first.say({ t: "snap", id: "beat", epoch: "e", seq: 1, items: [] });
    clock.advance(9000);
    expect(first.closed).toBe(false);
    clock.advance(1000);
    expect(first.closed).toBe(true);
    expect(client.state.get().status).toBe("stale");
  });

  it("gives up when the session has ended, and starts afresh after the next sign-in", () => {
    client.view("alarms", undefined, () => undefined);
    client.start();
    last().events.opened();
    const id = last().views()[0]?.id ?? "";
    last().say({ t: "snap", id, epoch: "e", seq: 7, items: [] });
    last().events.closed(CLOSE_SESSION_ENDED);
    clock.advance(60_000);
    expect(refused).toEqual([true]);
    expect(connections).toHaveLength(1);
    client.start();
    last().events.opened();
    expect(last().views()[0]).not.toHaveProperty("since");
  });

  it("ends a view that nobody looks at any more", () => {
    const end = client.view("points", { ids: ["a"] }, () => undefined);
    client.start();
    last().events.opened();
    const id = last().views()[0]?.id ?? "";
    end();
    expect(last().sent.at(-1)).toEqual({ t: "unview", id });
  });

  it("ignores what an old connection still says", () => {
    const got: LiveMessage[] = [];
    client.view("alarms", undefined, (message) => got.push(message));
    client.start();
    const old = last();
    old.events.opened();
    const id = old.views()[0]?.id ?? "";
    clock.advance(20_000);
    expect(last()).not.toBe(old);
    old.say({ t: "snap", id, epoch: "e", seq: 1, items: [] });
    expect(got).toEqual([]);
  });
});
