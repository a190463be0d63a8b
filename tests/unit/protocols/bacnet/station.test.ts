import { beforeEach, describe, expect, it } from "vitest";
import { decodeApdu, encodeApdu } from "#protocols/bacnet/codec/apdu.ts";
import { malformed } from "#protocols/bacnet/codec/bytes.ts";
import { decodeFrame, encodeBroadcastFrame, encodeFrame } from "#protocols/bacnet/codec/frame.ts";
import type { Outcome, PeerLimits, Reply } from "#protocols/bacnet/station/ports.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { type Attached, attach, Ether, never, PORT } from "./station-ether.ts";

const READ = 12;
const WRITE = 15;
const CLIENT = "10.0.0.1";
const SERVER = "10.0.0.2";
const TAKES_ALL: PeerLimits = { maxApdu: 1476, takesSegments: true };
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251);
/** Numbers in [0, 1), the same for the same seed. */
function seeded(seed: number): () => number {
  let state = (seed * 7919) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
const STRANGER = { host: "10.0.0.66", port: PORT };

describe("two BACnet stations", () => {
  let clock: ManualClock;
  let ether: Ether;
  let client: Attached;
  let server: Attached;

  beforeEach(async () => {
    clock = new ManualClock(0);
    ether = new Ether();
    client = await attach(ether, clock, CLIENT);
    server = await attach(ether, clock, SERVER);
  });

  function ask(body: Uint8Array, service = WRITE, limits: PeerLimits = TAKES_ALL): Promise<Outcome> {
    return client.station.request({ peer: server.at, service, body, signal: never, limits });
  }
  /** Sends an APDU to the server as if from a station that follows no rules. */
  function inject(apdu: Parameters<typeof encodeFrame>[0]): void {
    ether.send(encodeFrame(apdu), STRANGER, server.at);
  }
  /** What the stranger was answered. */
  function answersToStranger(): readonly unknown[] {
    return ether.to(STRANGER.host).flatMap((datagram) => {
      const frame = decodeFrame(datagram);
      return frame.kind === "apdu" ? [frame.apdu] : [];
    });
  }
  function request(invokeId: number, body: Uint8Array, service = WRITE): Parameters<typeof encodeFrame>[0] {
    const abilities = { segmentedResponseAccepted: true, maxSegments: 7, maxApdu: 1476 };
    return { type: "confirmedRequest", invokeId, service, ...abilities, body };
  }

  it("exchange requests and answers of 300 kB in segments both ways, none of them above the APDU", async () => {
    const body = bytes(300_000);
    expect(await ask(body)).toEqual({ kind: "ack", body });
    expect(server.asked).toHaveLength(1);
    expect(Math.max(...ether.carried.map(({ datagram }) => datagram.length))).toBeLessThanOrEqual(1476 + 6);
    expect(clock.pending).toBe(0);
  });

  it("get through although every fifth datagram is lost", async () => {
    let sent = 0;
    ether.fate = (one) => (++sent % 5 === 0 ? [] : [one]);
    const body = bytes(60_000);
    const outcome = ask(body);
    for (let i = 0; i < 200; i++) clock.advance(1000);
    expect(await outcome).toEqual({ kind: "ack", body });
    expect(server.asked).toHaveLength(1);
  });

  it("get through although segments come twice and in another order", async () => {
    let held: readonly { datagram: Uint8Array; from: typeof STRANGER; to: typeof STRANGER }[] = [];
    let sent = 0;
    ether.fate = (one) => {
      sent += 1;
      if (sent % 7 === 0) return [one, one];
      if (sent % 5 !== 0) {
        const both = [one, ...held];
        held = [];
        return both;
      }
      held = [one];
      return [];
    };
    const body = bytes(60_000);
    const outcome = ask(body);
    for (let i = 0; i < 200; i++) clock.advance(1000);
    expect(await outcome).toEqual({ kind: "ack", body });
    expect(server.asked).toHaveLength(1);
  });

  it("settle each request with its own answer or none, whatever the network does, and leave nothing behind", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = seeded(seed);
      const held: (typeof ether.carried)[number][] = [];
      ether.fate = (one) => {
        const chance = random();
        if (chance < 0.15) return [];
        if (chance < 0.25) return [one, one];
        if (chance < 0.35) {
          held.push(one);
          return [];
        }
        return chance < 0.5 ? [one, ...held.splice(0)] : [one];
      };
      const before = server.asked.length;
      const bodies = Array.from({ length: 6 }, (_, i) => Uint8Array.of(seed, i, ...bytes(Math.floor(random() * 9000))));
      const asked = bodies.map((body) => ask(body));
      for (let i = 0; i < 60; i++) clock.advance(500);
      for (const [i, outcome] of (await Promise.all(asked)).entries()) {
        if (outcome.kind === "ack") expect(outcome.body).toEqual(bodies[i]);
        else expect(["timeout", "abort"]).toContain(outcome.kind);
      }
      // none is performed twice
      const marks = server.asked.slice(before).map(({ body }) => body[1]);
      expect(marks.length, `seed ${seed}`).toBe(new Set(marks).size);
      clock.advance(120_000);
      expect(clock.pending, `seed ${seed}`).toBe(0);
    }
    expect(server.asked.length).toBeGreaterThan(300);
  });

  it("answer with an Abort what fits nowhere, never with silence", async () => {
    server.answer = () => ({ kind: "ack", body: bytes(5000) });
    client.station.setAbilities({ segmentsIn: false });
    expect(await ask(bytes(3), READ)).toEqual({ kind: "abort", reason: 4 });
    client.station.setAbilities({ segmentsIn: true });
    server.station.setAbilities({ segmentsOut: false });
    expect(await ask(bytes(3), READ)).toEqual({ kind: "abort", reason: 4 });
    server.station.setAbilities({ segmentsOut: true });
    // two segments at most
    inject({ ...request(1, bytes(3), READ), maxSegments: 1, maxApdu: 480 } as Parameters<typeof encodeFrame>[0]);
    expect(answersToStranger()).toEqual([{ type: "abort", invokeId: 1, server: true, reason: 1 }]);
  });

  it("refuse a request in segments when they take none", async () => {
    server.station.setAbilities({ segmentsIn: false });
    expect(await ask(bytes(5000))).toEqual({ kind: "abort", reason: 4 });
  });

  it("keep to the smaller APDU of both", async () => {
    server.station.setAbilities({ maxApdu: 128 });
    server.answer = ({ maxApdu }) => ({ kind: "ack", body: bytes(maxApdu === 128 ? 1000 : 1) });
    expect(await ask(bytes(3), READ)).toEqual({ kind: "ack", body: bytes(1000) });
    expect(Math.max(...ether.to(CLIENT).map(({ length }) => length))).toBeLessThanOrEqual(128 + 6);
  });

  it("give error, reject and abort through, and silence as silence", async () => {
    const replies: Reply[] = [
      { kind: "error", body: Uint8Array.of(0x91, 2, 0x91, 40) },
      { kind: "reject", reason: 9 },
      { kind: "abort", reason: 6 },
      { kind: "silence" },
      { kind: "ack" },
    ];
    server.answer = () => replies.shift() ?? { kind: "silence" };
    expect(await ask(bytes(1))).toMatchObject({ kind: "error", error: { errorClass: 2, errorCode: 40 } });
    expect(await ask(bytes(2))).toEqual({ kind: "reject", reason: 9 });
    expect(await ask(bytes(3))).toEqual({ kind: "abort", reason: 6 });
    const asked = ask(bytes(4));
    clock.advance(1000);
    expect(await asked).toEqual({ kind: "ack", body: new Uint8Array() });
  });

  it("ask once what comes again while it is answered", async () => {
    const answers: ((reply: Reply) => void)[] = [];
    server.answer = () => new Promise((resolve) => answers.push(resolve));
    const asked = ask(bytes(4));
    clock.advance(2000);
    expect(server.asked).toHaveLength(1);
    expect(server.counters.get("repeated")).toBe(2);
    answers[0]?.({ kind: "ack" });
    expect((await asked).kind).toBe("ack");
  });

  it("never give the answer of an abandoned request to another one with the same id", async () => {
    const replies: ((reply: Reply) => void)[] = [];
    server.answer = () => new Promise((resolve) => replies.push(resolve));
    inject(request(7, Uint8Array.of(1), READ));
    inject(request(7, Uint8Array.of(2), READ));
    expect(server.asked.map(({ body }) => [...body])).toEqual([[1], [2]]);
    for (const [i, reply] of replies.entries()) reply({ kind: "ack", body: Uint8Array.of(101 + i) });
    await Promise.resolve();
    await Promise.resolve();
    expect(answersToStranger()).toEqual([{ type: "complexAck", invokeId: 7, service: READ, body: Uint8Array.of(102) }]);
  });

  it("end a message whose sender repeats one segment over and over", () => {
    const part = { ...request(9, bytes(40)), segment: { sequenceNumber: 0, proposedWindowSize: 4, moreFollows: true } };
    inject(part);
    for (let i = 0; i < 40; i++) {
      clock.advance(3000);
      if (clock.pending === 0) return;
      inject(part);
    }
    expect.fail("the message is still held");
  });

  it("do not perform a write twice whose acknowledgement was lost", async () => {
    let lost = 0;
    ether.fate = (one) => (one.from.host === SERVER && lost++ === 0 ? [] : [one]);
    const asked = ask(bytes(4));
    clock.advance(1000);
    expect((await asked).kind).toBe("ack");
    expect(server.asked).toHaveLength(1);
    expect(server.counters.get("repeated")).toBe(1);
  });

  it("do not perform a write in segments twice whose acknowledgement was lost", async () => {
    let lost = 0;
    ether.fate = (one) => {
      const apdu = decodeFrame(one.datagram);
      const isAck = apdu.kind === "apdu" && apdu.apdu.type === "simpleAck";
      return isAck && lost++ === 0 ? [] : [one];
    };
    server.answer = () => ({ kind: "ack" });
    const asked = ask(bytes(5000));
    clock.advance(1000);
    expect((await asked).kind).toBe("ack");
    expect(server.asked).toHaveLength(1);
  });

  it("perform the same write again when it is a new one", () => {
    inject(request(1, bytes(4)));
    inject(request(1, bytes(5)));
    inject(request(1, bytes(4)));
    expect(server.asked).toHaveLength(3);
    clock.advance(11_000);
    inject(request(1, bytes(4)));
    expect(server.asked).toHaveLength(4);
  });

  it("read afresh for whoever always asks under the same id", () => {
    inject(request(1, bytes(4), READ));
    inject(request(1, bytes(4), READ));
    expect(server.asked).toHaveLength(2);
  });

  it("reject a request that does not decode, and abort one whose handler fails or takes for ever", async () => {
    server.answer = () => {
      throw malformed("of this test");
    };
    expect(await ask(bytes(1))).toEqual({ kind: "reject", reason: 4 });
    expect(server.counters.get("malformedService")).toBe(1);
    server.answer = () => {
      throw new Error("of this test");
    };
    expect(await ask(bytes(2))).toEqual({ kind: "abort", reason: 0 });
    server.answer = () => Promise.reject(new Error("of this test"));
    expect(await ask(bytes(3))).toEqual({ kind: "abort", reason: 0 });
    expect(server.counters.get("handlerErrors")).toBe(2);
    server.answer = () => new Promise(() => {});
    inject(request(9, bytes(1)));
    clock.advance(60_000);
    expect(answersToStranger()).toEqual([{ type: "abort", invokeId: 9, server: true, reason: 0 }]);
    expect(server.counters.get("handlerErrors")).toBe(3);
  });

  it("go on when a handler of announcements fails", async () => {
    server.station.announce(8, bytes(2), client.at);
    expect(client.announced).toEqual([{ peer: server.at, service: 8, body: bytes(2) }]);
    client.announced.push = () => {
      throw new Error("of this test");
    };
    server.station.announce(8, bytes(2), client.at);
    expect(client.counters.get("handlerErrors")).toBe(1);
    expect((await ask(bytes(3))).kind).toBe("ack");
  });

  it("do not answer a confirmed request that was sent to everybody", () => {
    ether.send(encodeBroadcastFrame(request(1, bytes(4))), STRANGER, server.at);
    expect(server.asked).toEqual([]);
    expect(answersToStranger()).toEqual([]);
    expect(server.counters.get("unexpected")).toBe(1);
  });

  it("hold no more than a few messages that somebody begins to send and never ends", () => {
    const segment = { sequenceNumber: 0, proposedWindowSize: 4, moreFollows: true };
    for (let i = 0; i < 40; i++) inject({ ...request(i, bytes(1400)), segment } as Parameters<typeof encodeFrame>[0]);
    expect(server.counters.get("overloaded")).toBe(24);
    expect(answersToStranger().at(-1)).toMatchObject({ type: "abort", server: true, reason: 9 });
    clock.advance(4000);
    inject({ ...request(200, bytes(1400)), segment } as Parameters<typeof encodeFrame>[0]);
    expect(answersToStranger().at(-1)).toMatchObject({ type: "segmentAck", invokeId: 200 });
    clock.advance(4000);
    expect(clock.pending).toBe(0);
  });

  it("hold no more than so many requests that are not answered yet", () => {
    server.answer = () => new Promise(() => {});
    for (let from = 0; from < 10; from++) {
      for (let i = 0; i < 256; i++) {
        const stranger = { host: `10.0.1.${from}`, port: PORT };
        ether.send(encodeFrame(request(i, bytes(1))), stranger, server.at);
      }
    }
    expect(server.asked).toHaveLength(2048);
    expect(server.counters.get("overloaded")).toBe(512);
    clock.advance(60_000);
    expect(clock.pending).toBe(0);
  });

  it("end a message that grows above 512 KiB", () => {
    for (let i = 0; i < 400; i++) {
      const segment = { sequenceNumber: i % 256, proposedWindowSize: 16, moreFollows: true };
      inject({ ...request(1, bytes(1400)), segment } as Parameters<typeof encodeFrame>[0]);
    }
    expect(answersToStranger()).toContainEqual({ type: "abort", invokeId: 1, server: true, reason: 1 });
    expect(server.asked).toEqual([]);
  });

  it("stop sending an answer in segments when the asker gives up", () => {
    server.answer = () => ({ kind: "ack", body: bytes(20_000) });
    inject(request(1, bytes(4), READ));
    inject({ type: "abort", invokeId: 1, server: false, reason: 0 });
    expect(clock.pending).toBe(0);
    const before = ether.to(STRANGER.host).length;
    clock.advance(10_000);
    expect(ether.to(STRANGER.host)).toHaveLength(before);
  });

  it("count what does not parse by where it stops, and go on", async () => {
    const frame = encodeFrame({ type: "simpleAck", invokeId: 1, service: 15 });
    const truncated = Uint8Array.of(0x81, 0x0a, 0, 9, 1, 0, 0x50, 0x74, 0x0c);
    for (const datagram of [Uint8Array.of(1, 2), frame.subarray(0, 7), new Uint8Array(), bytes(1500)]) {
      ether.send(datagram, STRANGER, server.at);
    }
    ether.send(Uint8Array.of(0x81, 0x0a, 0, 6, 7, 0), STRANGER, server.at);
    ether.send(Uint8Array.of(0x81, 0x0a, 0, 7, 1, 0, 0xf0), STRANGER, server.at);
    ether.send(truncated, STRANGER, server.at);
    const reasons = ["malformed", "malformedLink", "malformedNetwork", "malformedApdu"] as const;
    expect(reasons.map((name) => server.counters.get(name))).toEqual([6, 4, 1, 1]);
    expect((await ask(bytes(3))).kind).toBe("ack");
  });

  it("settle all that waits when they are closed, and leave no timer", async () => {
    server.answer = () => new Promise(() => {});
    const asked = Array.from({ length: 20 }, (_, i) => ask(bytes(10 + i)));
    await client.station.close();
    await server.station.close();
    expect((await Promise.all(asked)).map(({ kind }) => kind)).toEqual(asked.map(() => "cancelled"));
    expect(await ask(bytes(1))).toEqual({ kind: "cancelled" });
    expect(clock.pending).toBe(0);
  });

  it("say in each request what they take", async () => {
    client.station.setAbilities({ maxApdu: 480, segmentsIn: false });
    await ask(bytes(3));
    const frame = decodeFrame(ether.carried[0]?.datagram ?? new Uint8Array());
    expect(frame).toMatchObject({ apdu: { maxApdu: 480, segmentedResponseAccepted: false, maxSegments: 0 } });
    expect(decodeApdu(encodeApdu(request(1, bytes(2))))).toMatchObject({ maxApdu: 1476, maxSegments: 7 });
  });

  it("give the network's priority on", async () => {
    const alarm = { peer: server.at, service: 2, body: bytes(3), signal: never, priority: 3 } as const;
    await client.station.request(alarm);
    expect(ether.carried.map(({ datagram }) => (datagram[5] ?? 0) & 3)).toEqual([3, 3]);
  });
});
