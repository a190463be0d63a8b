import { describe, expect, it } from "vitest";
import { BirthCertificates } from "#cloud/broker/birth-certificates.ts";
import { Doorway } from "#cloud/broker/doorway.ts";
import { Takeovers } from "#cloud/broker/takeovers.ts";
import { mayPublish, mayRetain, maySubscribe, type PeerTopics } from "#cloud/broker/topic-rules.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const gateway: PeerTopics = { kind: "gateway", site: "park", gateway: "gw-1" };
const node: PeerTopics = { kind: "foreignNode", site: "park", gateway: "plc-7" };
const reader: PeerTopics = { kind: "reader", name: "scada", mayCommand: false };
const commander: PeerTopics = { kind: "reader", name: "scada", mayCommand: true };

describe("the topics of a foreign edge node", () => {
  it.each(["spBv1.0/park/NBIRTH/plc-7", "spBv1.0/park/DDATA/plc-7/motor", "spBv1.0/park/NDEATH/plc-7"])(
    "%s is its own",
    (topic) => expect(mayPublish(node, topic)).toBe(true),
  );

  it.each([
    "spBv1.0/park/NBIRTH/gw-1",
    "spBv1.0/other/NBIRTH/plc-7",
    "spBv1.0/park/NCMD/plc-7",
    "spBv1.0/STATE/plc-7",
    "parkhub/v1/park/plc-7/events",
    "$sparkplug/certificates/spBv1.0/park/NBIRTH/plc-7",
  ])("%s is not", (topic) => expect(mayPublish(node, topic)).toBe(false));

  it("to listen on are its commands and the hosts' states, and nothing of ours", () => {
    for (const filter of ["spBv1.0/park/NCMD/plc-7", "spBv1.0/park/DCMD/plc-7/#", "spBv1.0/STATE/scada"])
      expect(maySubscribe(node, filter), filter).toBe(true);
    for (const filter of ["parkhub/v1/park/plc-7/commands", "spBv1.0/park/#", "spBv1.0/park/NCMD/+", "#"])
      expect(maySubscribe(node, filter), filter).toBe(false);
  });
});

describe("the topics of a foreign host", () => {
  it("to listen on are all of Sparkplug and the birth certificates, never ours, never shared", () => {
    for (const filter of ["spBv1.0/#", "spBv1.0/park/#", "spBv1.0/+/DDATA/+/+", "$sparkplug/certificates/#"])
      expect(maySubscribe(reader, filter), filter).toBe(true);
    for (const filter of [
      "#",
      "+/park/#",
      "parkhub/#",
      "parkhub/v1/park/gw-1/events",
      "$share/g/spBv1.0/#",
      "$SYS/#",
      "$sparkplug/#",
    ])
      expect(maySubscribe(reader, filter), filter).toBe(false);
  });

  it("to speak on is its own state, and node commands only where it may command", () => {
    expect(mayPublish(reader, "spBv1.0/STATE/scada")).toBe(true);
    expect(mayPublish(reader, "spBv1.0/STATE/parkhub")).toBe(false);
    expect(mayPublish(reader, "spBv1.0/park/NCMD/plc-7")).toBe(false);
    expect(mayPublish(commander, "spBv1.0/park/NCMD/plc-7")).toBe(true);
    for (const topic of ["spBv1.0/park/DCMD/plc-7/motor", "spBv1.0/park/NBIRTH/plc-7", "parkhub/v1/park/gw-1/commands"])
      expect(mayPublish(commander, topic), topic).toBe(false);
  });

  it("to be kept is its state alone", () => {
    expect(mayRetain(reader, "spBv1.0/STATE/scada")).toBe(true);
    expect(mayRetain(commander, "spBv1.0/park/NCMD/plc-7")).toBe(false);
    expect(mayRetain(gateway, "spBv1.0/park/NBIRTH/gw-1")).toBe(false);
  });
});

describe("takeovers of one identity", () => {
  const told: string[] = [];
  function open() {
    told.length = 0;
    const clock = new ManualClock(0);
    const takeovers = new Takeovers<string>(clock);
    takeovers.onStorm((id, storming) => told.push(`${id} ${storming ? "begins" : "ends"}`));
    return { clock, takeovers };
  }

  it("are no storm while they are rare", () => {
    const { clock, takeovers } = open();
    for (let i = 0; i < 50; i++) {
      expect(takeovers.note("gw-1")).toBe(false);
      clock.advance(16_000);
    }
    expect(told).toEqual([]);
  });

  it("are one storm, told once, which ends after a quiet minute", () => {
    const { clock, takeovers } = open();
    const storms = Array.from({ length: 30 }, () => {
      clock.advance(1000);
      return takeovers.note("gw-1");
    });
    expect(storms.filter(Boolean)).toHaveLength(1);
    expect(takeovers.note("gw-2")).toBe(false);
    expect(told).toEqual(["gw-1 begins"]);
    clock.advance(70_000);
    expect(told).toEqual(["gw-1 begins", "gw-1 ends"]);
  });
});

describe("the doorway", () => {
  it("holds so many of one address and so many in all, and each leaves once", () => {
    const doorway = new Doorway({ perAddress: 2, total: 3 });
    const first = doorway.enter("a");
    expect(doorway.enter("a")).toBeDefined();
    expect(doorway.enter("a")).toBeUndefined();
    expect(doorway.enter("b")).toBeDefined();
    expect(doorway.enter("c")).toBeUndefined();
    first?.();
    first?.();
    expect(doorway.waiting).toBe(2);
    expect(doorway.enter("c")).toBeDefined();
    expect(doorway.enter("a")).toBeUndefined();
  });
});

describe("birth certificates", () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  function open() {
    const kept = new Map<string, string>();
    const full: string[] = [];
    const certificates = new BirthCertificates(
      (topic, payload) => {
        if (payload.length === 0) kept.delete(topic);
        else kept.set(topic, new TextDecoder().decode(payload));
      },
      (id) => full.push(id),
    );
    return { kept, full, certificates };
  }

  it("are the newest births of each node and device, and nothing else", () => {
    const { kept, certificates } = open();
    for (const [topic, payload] of [
      ["spBv1.0/park/NBIRTH/gw-1", "n1"],
      ["spBv1.0/park/DBIRTH/gw-1/ahu", "d1"],
      ["spBv1.0/park/DBIRTH/gw-1/ahu", "d2"],
      ["spBv1.0/park/DDATA/gw-1/ahu", "x"],
      ["spBv1.0/park/NDEATH/gw-1", "x"],
      ["parkhub/v1/park/gw-1/events", "x"],
    ] as const)
      certificates.note(topic, bytes(payload));
    expect([...kept]).toEqual([
      ["$sparkplug/certificates/spBv1.0/park/NBIRTH/gw-1", "n1"],
      ["$sparkplug/certificates/spBv1.0/park/DBIRTH/gw-1/ahu", "d2"],
    ]);
  });

  it("of devices go with the next birth of their node, those of other nodes stay", () => {
    const { kept, certificates } = open();
    certificates.note("spBv1.0/park/NBIRTH/gw-1", bytes("n1"));
    certificates.note("spBv1.0/park/DBIRTH/gw-1/ahu", bytes("d1"));
    certificates.note("spBv1.0/park/DBIRTH/gw-2/ahu", bytes("d2"));
    certificates.note("spBv1.0/park/NBIRTH/gw-1", bytes("n2"));
    expect([...kept.values()].sort()).toEqual(["d2", "n2"]);
  });

  it("that do not fit any more take the ones before them away: an old one names the wrong metrics", () => {
    const { kept, full, certificates } = open();
    certificates.note("spBv1.0/park/DBIRTH/gw-1/ahu", bytes("d1"));
    certificates.note("spBv1.0/park/DBIRTH/gw-1/ahu", new Uint8Array(33 * 1024 * 1024));
    expect(full).toEqual(["park/gw-1"]);
    expect([...kept]).toEqual([]);
    certificates.note("spBv1.0/park/DBIRTH/gw-1/ahu", bytes("d3"));
    expect([...kept.values()]).toEqual(["d3"]);
  });

  it("are bounded for each node", () => {
    const { kept, full, certificates } = open();
    for (let nr = 0; nr < 6000; nr++) certificates.note(`spBv1.0/park/DBIRTH/gw-1/device-${nr}`, bytes("d"));
    expect(kept.size).toBe(5000);
    expect(full).toHaveLength(1000);
    const mebibyte = new Uint8Array(1024 * 1024).fill(32);
    for (let nr = 0; nr < 40; nr++) certificates.note(`spBv1.0/park/DBIRTH/gw-2/device-${nr}`, mebibyte);
    expect([...kept.keys()].filter((topic) => topic.includes("gw-2"))).toHaveLength(32);
  });
});
