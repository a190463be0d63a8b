import { describe, expect, it } from "vitest";
import { Abilities } from "#protocols/bacnet/client/abilities.ts";
import { type Ask, PropertyReader, planBatches } from "#protocols/bacnet/client/polling.ts";
import {
  decodeReadProperty,
  decodeReadPropertyMultiple,
  encodeReadPropertyAck,
  encodeReadPropertyMultipleAck,
  type ReadSpecification,
} from "#protocols/bacnet/codec/services/property.ts";
import { Counters } from "#protocols/bacnet/counters.ts";
import type { Outcome } from "#protocols/bacnet/station/ports.ts";
import { ManualClock } from "#tests/manual-clock.ts";

/** A device that answers so many bytes, of which nothing was learned yet. */
const abilities = (maxApdu: number): Abilities =>
  new Abilities({ vendorId: 0, maxApdu }, undefined, { clock: new ManualClock(0), save: () => {} });

const RP = 12;
const RPM = 14;

function inputs(count: number): readonly ReadSpecification[] {
  return Array.from({ length: count }, (_, instance) => ({
    object: { type: 0, instance },
    properties: [{ property: 85 }, { property: 111 }],
  }));
}

function answered(body: Uint8Array): Outcome {
  return {
    kind: "ack",
    body: encodeReadPropertyMultipleAck(
      decodeReadPropertyMultiple(body).map(({ object, properties }) => ({
        object,
        results: properties.map((reference) => ({
          ...reference,
          values: [{ type: "real" as const, value: object.instance }],
        })),
      })),
    ),
  };
}

function single(body: Uint8Array): Outcome {
  const asked = decodeReadProperty(body);
  return {
    kind: "ack",
    body: encodeReadPropertyAck({ ...asked, values: [{ type: "real", value: asked.object.instance }] }),
  };
}

describe("reading many properties of one device", () => {
  it("fills batches up to the device's APDU and keeps the order", () => {
    const batches = planBatches(inputs(100), 480);
    expect(batches.flat().map(({ object }) => object.instance)).toEqual(
      inputs(100).map(({ object }) => object.instance),
    );
    for (const batch of batches) {
      const body = encodeReadPropertyMultipleAck(
        batch.map(({ object, properties }) => ({
          object,
          results: properties.map((reference) => ({ ...reference, values: [{ type: "real" as const, value: 1 }] })),
        })),
      );
      expect(body.length + 3).toBeLessThanOrEqual(480);
    }
    expect(planBatches(inputs(1), 10)).toHaveLength(1);
  });

  it("halves its batches when the answer is too large, and stays at that", async () => {
    let largest = Number.POSITIVE_INFINITY;
    let aborted = 0;
    const ask: Ask = async (_, body) => {
      const asked = decodeReadPropertyMultiple(body).length;
      if (asked > 10) {
        aborted++;
        return { kind: "abort", reason: 4 };
      }
      largest = Math.max(asked, Number.isFinite(largest) ? largest : 0);
      return answered(body);
    };
    const reader = new PropertyReader(ask, abilities(480), new Counters());
    expect(await reader.read(inputs(40))).toHaveLength(40);
    expect(largest).toBeLessThanOrEqual(10);
    const before = aborted;
    expect(await reader.read(inputs(40))).toHaveLength(40);
    expect(aborted).toBe(before);
  });

  it("reads property by property where ReadPropertyMultiple is not known, and does not try it again", async () => {
    const services: number[] = [];
    const ask: Ask = async (service, body) => {
      services.push(service);
      return service === RPM ? { kind: "reject", reason: 9 } : single(body);
    };
    const reader = new PropertyReader(ask, abilities(1476), new Counters());
    expect(await reader.read(inputs(2))).toHaveLength(2);
    expect(await reader.read(inputs(1))).toHaveLength(1);
    expect(services).toEqual([RPM, RP, RP, RP, RP, RP, RP]);
  });

  it("narrows an answer that does not decode down to the object at fault and keeps the others", async () => {
    const counters = new Counters();
    const ask: Ask = async (service, body) => {
      if (service === RP)
        return decodeReadProperty(body).object.instance === 3 ? { kind: "ack", body: Uint8Array.of(1) } : single(body);
      const bad = decodeReadPropertyMultiple(body).some(({ object }) => object.instance === 3);
      return bad ? { kind: "ack", body: Uint8Array.of(0xff) } : answered(body);
    };
    const results = await new PropertyReader(ask, abilities(1476), counters).read(inputs(8));
    expect(results).toHaveLength(8);
    const faulty = results?.filter((result) => result.results.some((property) => "error" in property));
    expect(faulty?.map(({ object }) => object.instance)).toEqual([3]);
    expect(counters.get("malformed")).toBeGreaterThan(0);
  });

  it("reads a value that it cannot decode by itself from then on, so that it spoils no batch", async () => {
    const services: number[] = [];
    const ask: Ask = async (service, body) => {
      services.push(service);
      if (service === RP) {
        const { object, property } = decodeReadProperty(body);
        return object.instance === 3 && property === 85 ? { kind: "ack", body: Uint8Array.of(1) } : single(body);
      }
      const bad = decodeReadPropertyMultiple(body).some(
        ({ object, properties }) => object.instance === 3 && properties.some(({ property }) => property === 85),
      );
      return bad ? { kind: "ack", body: Uint8Array.of(0xff) } : answered(body);
    };
    const reader = new PropertyReader(ask, abilities(1476), new Counters());
    await reader.read(inputs(8));
    services.length = 0;
    const results = await reader.read(inputs(8));
    expect(services).toEqual([RPM, RP]);
    expect(results?.flatMap((result) => result.results).filter((result) => "values" in result)).toHaveLength(15);
  });

  it("has no result when the device falls silent in between", async () => {
    let asked = 0;
    const ask: Ask = async (_, body) => (++asked > 1 ? { kind: "timeout" } : answered(body));
    expect(await new PropertyReader(ask, abilities(206), new Counters()).read(inputs(40))).toBeUndefined();
  });
});
