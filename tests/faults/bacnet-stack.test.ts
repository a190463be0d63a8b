import { afterEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { type Apdu, decodeApdu } from "#protocols/bacnet/codec/apdu.ts";
import { decodeFrame, encodeFrame, type Peer } from "#protocols/bacnet/codec/frame.ts";
import { encodeBvlc } from "#protocols/bacnet/codec/link.ts";
import { decodeGetEventInformationAck } from "#protocols/bacnet/codec/services/alarms.ts";
import { encodeCovNotification } from "#protocols/bacnet/codec/services/cov.ts";
import { decodeEventNotification } from "#protocols/bacnet/codec/services/event-notification.ts";
import {
  decodeReadPropertyMultipleAck,
  encodeReadPropertyMultipleAck,
} from "#protocols/bacnet/codec/services/property.ts";
import { decodeReadRangeAck, encodeReadRangeAck } from "#protocols/bacnet/codec/services/read-range.ts";
import { decodeValues } from "#protocols/bacnet/codec/values.ts";
import { StationCounters } from "#protocols/bacnet/station/counters.ts";
import type { Announcement, Outcome, Question, Reply } from "#protocols/bacnet/station/ports.ts";
import { type BacnetStation, openStation, type StationOptions } from "#protocols/bacnet/station/station.ts";
import { loopbackSocket } from "../contract/bacnet-fixture.ts";

const READ = 12;
const WRITE = 15;
const HOST = "127.0.0.1";
const never = new AbortController().signal;
const TAKES_ALL = { maxApdu: 1476, takesSegments: true };
/** Numbers in [0, 1), the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

interface Opened {
  readonly station: BacnetStation;
  readonly peer: Peer;
  readonly counters: StationCounters;
  readonly announced: Announcement[];
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(
  asked: (question: Question) => Reply | Promise<Reply> = ({ body }) => ({ kind: "ack", body }),
  options: Partial<StationOptions> = {},
): Promise<Opened> {
  const counters = new StationCounters();
  const announced: Announcement[] = [];
  const station = await openStation(
    { interfaces: [{ host: HOST, port: 0 }], apduTimeoutMs: 1000, retries: 1, ...options },
    {
      logger: silentLogger,
      counters,
      handlers: { asked, announced: (message) => void announced.push(message) },
    },
  );
  closing.push(() => station.close());
  return { station, peer: { host: HOST, port: station.endpoints[0]?.port ?? 0 }, counters, announced };
}

/** A device that does with each request what the test says. */
async function scripted(
  answer: (apdu: Apdu, say: (apdu: Apdu | Uint8Array) => void) => void,
): Promise<{ readonly peer: Peer; say(apdu: Apdu | Uint8Array, to: Peer): void }> {
  const { socket, port, close } = await loopbackSocket();
  closing.push(close);
  const say = (what: Apdu | Uint8Array, to: Peer): void =>
    socket.send(what instanceof Uint8Array ? what : encodeFrame(what), to.port, to.host);
  socket.on("message", (datagram, from) => {
    const frame = decodeFrame(datagram);
    if (frame.kind === "apdu") answer(frame.apdu, (what) => say(what, { host: from.address, port: from.port }));
  });
  return { peer: { host: HOST, port }, say };
}

function ask({ station }: Opened, peer: Peer, body: Uint8Array, service = READ): Promise<Outcome> {
  return station.request({ peer, service, body, signal: never, limits: TAKES_ALL });
}
const kinds = (outcomes: readonly Outcome[]): readonly string[] => [...new Set(outcomes.map(({ kind }) => kind))];

describe("the faults of the BACnet stacks of npm, none of which is ours", () => {
  it("1: every promise settles, also those to a device that is silent while another answers 600", async () => {
    const hub = await open();
    const live = await open();
    const silent = await scripted(() => {});
    const dead = Array.from({ length: 10 }, (_, i) => ask(hub, silent.peer, Uint8Array.of(i)));
    const answers = Array.from({ length: 600 }, (_, i) => ask(hub, live.peer, Uint8Array.of(i & 255)));
    expect(kinds(await Promise.all(answers))).toEqual(["ack"]);
    expect(kinds(await Promise.all(dead))).toEqual(["timeout"]);
  });

  it("2: 400 requests at once to one device, beyond the 256 ids, all get their own answer", async () => {
    const hub = await open();
    const live = await open();
    const bodies = Array.from({ length: 400 }, (_, i) => Uint8Array.of(i >> 8, i & 255));
    const outcomes = await Promise.all(bodies.map((body) => ask(hub, live.peer, body)));
    expect(outcomes).toEqual(bodies.map((body) => ({ kind: "ack", body })));
  });

  it("3: a late answer of one device is never the value of another that is asked under the same id", async () => {
    const hub = await open();
    const asked: number[] = [];
    const late = await scripted((apdu) => {
      if (apdu.type === "confirmedRequest") asked.push(apdu.invokeId);
    });
    const victim = await scripted((apdu, say) => {
      if (apdu.type !== "confirmedRequest") return;
      const answer = { type: "complexAck", invokeId: apdu.invokeId, service: READ } as const;
      late.say({ ...answer, body: Uint8Array.of(66) }, hub.peer);
      say({ ...answer, service: WRITE, body: Uint8Array.of(66) });
      // behind what the other sent, so that it comes first
      setImmediate(() => say({ ...answer, body: Uint8Array.of(1) }));
    });
    const lost = ask(hub, late.peer, Uint8Array.of(0));
    expect(await ask(hub, victim.peer, Uint8Array.of(0))).toEqual({ kind: "ack", body: Uint8Array.of(1) });
    await expect.poll(() => asked.length).toBeGreaterThan(0);
    expect((await lost).kind).not.toBe("error");
    expect(hub.counters.get("unexpected")).toBe(1);
  });

  it("4: no datagram ends the process, neither the truncated Error nor 3000 of noise", async () => {
    const hub = await open();
    const live = await open();
    const noise = await scripted(() => {});
    const random = seeded(20_261_120);
    noise.say(fromHex("810a000a01005074ecaa"), hub.peer);
    for (let i = 0; i < 3000; i++) {
      const datagram = Uint8Array.from({ length: 6 + Math.floor(random() * 40) }, () => Math.floor(random() * 256));
      datagram.set([0x81, random() < 0.5 ? 0x0a : 0x0b, 0, datagram.length]);
      if (random() < 0.8) datagram.set([1, 0], 4);
      for (const peer of [hub.peer, live.peer]) noise.say(datagram, peer);
      if (i % 100 === 0) expect((await ask(hub, live.peer, Uint8Array.of(1))).kind).toBe("ack");
    }
    await expect.poll(() => hub.counters.get("malformed")).toBeGreaterThan(100);
    expect(hub.counters.get("handlerErrors") + live.counters.get("handlerErrors")).toBe(0);
    expect((await ask(hub, live.peer, Uint8Array.of(2))).kind).toBe("ack");
  });

  it("5: two devices answer in segments at once; an interrupted answer spoils no other; more than 256 segments", async () => {
    // patient: each answer is 300 datagrams and their acknowledgements
    const patience = { segmentTimeoutMs: 1500, retries: 3 };
    const hub = await open(undefined, { ...patience, abilities: { maxApdu: 50 } });
    const large = (fill: number): Uint8Array => new Uint8Array(45 * 300).fill(fill);
    const devices = [
      await open(() => ({ kind: "ack", body: large(1) }), patience),
      await open(() => ({ kind: "ack", body: large(2) }), patience),
    ];
    const interrupted = await scripted((apdu, say) => {
      if (apdu.type !== "confirmedRequest") return;
      const segment = { sequenceNumber: 0, proposedWindowSize: 4, moreFollows: true };
      say({ type: "complexAck", invokeId: apdu.invokeId, service: READ, segment, body: Uint8Array.of(9) });
    });
    const broken = ask(hub, interrupted.peer, Uint8Array.of(1));
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, i) => ask(hub, devices[i % 2]?.peer ?? hub.peer, Uint8Array.of(i))),
    );
    expect(outcomes).toEqual(Array.from({ length: 8 }, (_, i) => ({ kind: "ack", body: large(1 + (i % 2)) })));
    expect(await broken).toEqual({ kind: "timeout" });
  });

  it("6: a request that does not fit goes out in segments, a large answer comes so, and what cannot is aborted", async () => {
    const hub = await open();
    const takes = await open(undefined, { abilities: { maxApdu: 480 } });
    const body = new Uint8Array(6000).map((_, i) => i % 256);
    const limits = { maxApdu: 480, takesSegments: true };
    const request = { peer: takes.peer, service: READ, body, signal: never };
    expect(await hub.station.request({ ...request, limits })).toEqual({ kind: "ack", body });
    takes.station.setAbilities({ segmentsIn: false });
    expect(await hub.station.request({ ...request, limits })).toEqual({ kind: "abort", reason: 4 });
    takes.station.setAbilities({ segmentsIn: true, segmentsOut: false });
    expect(await hub.station.request({ ...request, limits })).toEqual({ kind: "abort", reason: 4 });
    const refused = await hub.station.request({ ...request, limits: { ...limits, takesSegments: false } });
    expect(refused).toEqual({ kind: "abort", reason: 11 });
  });

  // the bodies of 7, 8 and 9 are BACpypes3's
  const EVENT_INFORMATION =
    "0e0c0000000119032a05603e2ea47e0b1405b40a141e002f0c0102030419093f49005a05e06e216421c821ff6f0f1901";
  const NOTIFICATION = {
    head: "09071c020003e92c000000013e",
    tail: "3f4903596469057d1000e98081e9a38ee6b8a9e5baa6e9ab9889009901a900b903ce5e0c41d400001a04802c3f0000003c41d000005fcf",
  };
  it.each([
    ["time of day", "0c0a141e00", { type: "time", value: { hour: 10, minute: 20, second: 30, hundredths: 0 } }],
    ["sequence number", "192a", { type: "sequenceNumber", value: 42 }],
    [
      "date and time",
      "2ea47e0b1405b40a141e002f",
      { type: "dateTime", value: { date: { year: 126, month: 11, day: 20 } } },
    ],
  ])(
    "7: a notification that is stamped with a %s is decoded with its values and acknowledged",
    async (_, stamp, timeStamp) => {
      const seen: unknown[] = [];
      const hub = await open(({ body }) => {
        seen.push(decodeEventNotification(body));
        return { kind: "ack" };
      });
      const device = await open();
      const body = fromHex(NOTIFICATION.head + stamp + NOTIFICATION.tail);
      expect((await ask(device, hub.peer, body, 2)).kind).toBe("ack");
      const values = {
        exceedingValue: 26.5,
        statusFlags: [true, false, false, false],
        deadband: 0.5,
        exceededLimit: 26,
      };
      const eventValues = { type: "outOfRange", value: values };
      expect(seen).toMatchObject([{ timeStamp, messageText: "送风温度高", toState: 3, eventValues }]);
    },
  );

  it("8: the page of event information says whether more follows; a range of a log says its first sequence number", () => {
    const page = decodeGetEventInformationAck(fromHex(EVENT_INFORMATION));
    expect(page).toMatchObject({ moreEvents: true, summaries: [{ eventState: 3, eventPriorities: [100, 200, 255] }] });
    const range = {
      object: { type: 20, instance: 1 },
      property: 131,
      resultFlags: { firstItem: false, lastItem: true, moreItems: false },
      itemCount: 1,
      itemData: fromHex("0ea47e0b1405b40a141e000f1e2c41d400001f"),
      firstSequenceNumber: 4711,
    };
    expect(decodeReadRangeAck(encodeReadRangeAck(range))).toEqual(range);
  });

  it("9: event time stamps keep their day, and a property that nobody knows does not lose the rest of an answer", () => {
    const [summary] = decodeGetEventInformationAck(fromHex(EVENT_INFORMATION)).summaries;
    const day = { date: { year: 126, month: 11, day: 20, weekday: 5 } };
    expect(summary?.eventTimeStamps[0]).toMatchObject({ type: "dateTime", value: day });
    const odd = decodeValues(fromHex("0e2ea47e0b1405b40a141e002f0f"));
    const object = { type: 39, instance: 1 };
    const results = [
      { property: 87, values: odd },
      { property: 85, values: [{ type: "real" as const, value: 21.5 }] },
    ];
    const decoded = decodeReadPropertyMultipleAck(encodeReadPropertyMultipleAck([{ object, results }]));
    expect(decoded).toMatchObject([
      { object, results: [{ property: 87 }, { property: 85, values: [{ value: 21.5 }] }] },
    ]);
  });

  it("10: error, reject, abort and silence are told apart by number, and a lost request is sent again", async () => {
    const hub = await open();
    const replies: Reply[] = [
      { kind: "error", body: fromHex("9101911f") },
      { kind: "reject", reason: 9 },
      { kind: "abort", reason: 4 },
    ];
    const device = await open(() => replies.shift() ?? { kind: "silence" });
    const outcomes: Outcome[] = [];
    for (let i = 0; i < 4; i++) outcomes.push(await ask(hub, device.peer, Uint8Array.of(i), WRITE));
    expect(outcomes).toMatchObject([
      { kind: "error", error: { errorClass: 1, errorCode: 31 } },
      { kind: "reject", reason: 9 },
      { kind: "abort", reason: 4 },
      { kind: "timeout" },
    ]);
    expect([hub.counters.get("retries"), hub.counters.get("timeouts")]).toEqual([1, 1]);
  });

  it("11: an I-Am that a BBMD forwards is its device's, and the answer goes to the device", async () => {
    const hub = await open();
    const device = await open();
    const bbmd = await scripted(() => {});
    const iAm = fromHex("1000c4020003e92205c4910022000a");
    const npdu = Uint8Array.of(1, 0, ...iAm);
    bbmd.say(encodeBvlc({ function: "forwarded", origin: device.peer, npdu }), hub.peer);
    await expect.poll(() => hub.announced.length).toBe(1);
    expect(hub.announced[0]?.peer).toEqual(device.peer);
    expect((await ask(hub, hub.announced[0]?.peer ?? bbmd.peer, Uint8Array.of(5))).kind).toBe("ack");
  });

  it("11b: a message forwarded from where nobody can be is counted, and what cannot be sent ends nothing", async () => {
    const hub = await open(() => ({ kind: "ack", body: new Uint8Array(20_000) }));
    const bbmd = await scripted(() => {});
    // a ReadProperty whose answer needs segments, and their repetition a timer
    const npdu = fromHex("0104027501" + "0c0c0002000119ff");
    bbmd.say(encodeBvlc({ function: "forwarded", origin: { host: HOST, port: 0 }, npdu }), hub.peer);
    await expect.poll(() => hub.counters.get("malformedLink")).toBe(1);
    const nowhere = { host: HOST, port: 0 };
    expect(await ask(hub, nowhere, Uint8Array.of(1))).toEqual({ kind: "timeout" });
    expect(hub.counters.get("sendErrors")).toBe(2);
    hub.station.announce(8, Uint8Array.of(1), nowhere);
    await expect.poll(() => hub.counters.get("sendErrors")).toBe(3);
  });

  it("12: a COV notification carries its values without an array index", () => {
    const body = encodeCovNotification({
      processId: 1,
      device: { type: 8, instance: 1001 },
      object: { type: 0, instance: 1 },
      timeRemainingS: 60,
      values: [{ property: 85, values: [{ type: "real", value: 1 }] }],
    });
    expect(Buffer.from(body).toString("hex")).toContain("4e09552e443f8000002f4f");
  });

  it("13: an answer with a byte changed is an answer, or dropped and counted, and nothing else", () => {
    const random = seeded(20_261_121);
    const values = [{ type: "real" as const, value: 21.5 }];
    const results = Array.from({ length: 20 }, (_, i) => ({ property: 85 + i, values }));
    const ack = encodeReadPropertyMultipleAck([{ object: { type: 0, instance: 1 }, results }]);
    const thrown = new Set<unknown>();
    for (let i = 0; i < 20_000; i++) {
      const mutated = ack.slice(0, random() < 0.2 ? Math.floor(random() * ack.length) : ack.length);
      if (mutated.length > 0) mutated[Math.floor(random() * mutated.length)] = Math.floor(random() * 256);
      try {
        decodeReadPropertyMultipleAck(mutated);
        decodeApdu(mutated);
      } catch (error) {
        thrown.add((error as { code?: unknown }).code ?? error);
      }
    }
    expect([...thrown]).toEqual(["BACNET_MALFORMED"]);
  });
});
