import { describe, expect, it } from "vitest";
import { Abilities } from "#protocols/bacnet/client/abilities.ts";
import type { Ask } from "#protocols/bacnet/client/polling.ts";
import { WriteQueue } from "#protocols/bacnet/client/writing/write-queue.ts";
import { decodeError, encodeWriteMultipleError } from "#protocols/bacnet/codec/services/error.ts";
import { decodeWriteProperty, type PropertyWrite } from "#protocols/bacnet/codec/services/property.ts";
import { decodeWritePropertyMultiple } from "#protocols/bacnet/codec/services/write-property-multiple.ts";
import type { Outcome } from "#protocols/bacnet/station/ports.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const WP = 15;
const WPM = 16;
const ACK: Outcome = { kind: "ack", body: new Uint8Array() };
const never = new AbortController().signal;
const write = (instance: number, value = 1): PropertyWrite => ({
  object: { type: 2, instance },
  property: 85,
  values: [{ type: "real", value }],
  priority: 8,
});

/** A queue to a device whose answers are held back until `answer` is called for each request in turn. */
function queue(maxApdu = 1476): {
  queue: WriteQueue;
  abilities: Abilities;
  asked: { service: number; instances: readonly number[] }[];
  answer(outcome: Outcome): Promise<void>;
} {
  const abilities = new Abilities({ vendorId: 0, maxApdu }, undefined, { clock: new ManualClock(0), save: () => {} });
  const asked: { service: number; instances: readonly number[] }[] = [];
  let settle: ((outcome: Outcome) => void) | undefined;
  const ask: Ask = (service, body) => {
    const specifications = service === WPM ? decodeWritePropertyMultiple(body) : [decodeWriteProperty(body)];
    asked.push({ service, instances: specifications.map(({ object }) => object.instance) });
    return new Promise((resolve) => {
      settle = resolve;
    });
  };
  const answer = async (outcome: Outcome): Promise<void> => {
    settle?.(outcome);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { queue: new WriteQueue(ask, abilities), abilities, asked, answer };
}

describe("writes to one device", () => {
  it("that wait while another is under way go out together, in their order", async () => {
    const { queue: writes, asked, answer } = queue();
    const outcomes = Promise.all([1, 2, 3].map((instance) => writes.write(write(instance), never)));
    await answer(ACK);
    await answer(ACK);
    expect(await outcomes).toEqual([ACK, ACK, ACK]);
    expect(asked).toEqual([
      { service: WP, instances: [1] },
      { service: WPM, instances: [2, 3] },
    ]);
  });

  it("go on after one that cannot be put into bytes, which fails by itself", async () => {
    const { queue: writes, asked, answer } = queue();
    const impossible: PropertyWrite = { ...write(9), values: [{ type: "signed", value: 2 ** 60 }] };
    const failed = writes.write(impossible, never);
    await expect(failed).rejects.toMatchObject({ code: "BACNET_MALFORMED" });
    const outcome = writes.write(write(1), never);
    await answer(ACK);
    expect(await outcome).toEqual(ACK);
    expect(asked).toEqual([{ service: WP, instances: [1] }]);
  });

  it("go on after the one that the device refused", async () => {
    const { queue: writes, asked, answer } = queue();
    const outcomes = Promise.all([1, 2, 3, 4].map((instance) => writes.write(write(instance), never)));
    await answer(ACK);
    const error = { errorClass: 2, errorCode: 37 };
    const body = encodeWriteMultipleError({
      error,
      firstFailedWriteAttempt: { object: { type: 2, instance: 3 }, property: 85 },
    });
    await answer({ kind: "error", error: decodeError(body), body });
    await answer(ACK);
    expect((await outcomes).map(({ kind }) => kind)).toEqual(["ack", "ack", "error", "ack"]);
    expect((await outcomes)[2]).toMatchObject({ error });
    expect(asked.at(-1)).toEqual({ service: WP, instances: [4] });
  });

  it("are sent singly to a device without WritePropertyMultiple, which is not asked again", async () => {
    const { queue: writes, abilities, asked, answer } = queue();
    const outcomes = Promise.all([1, 2, 3].map((instance) => writes.write(write(instance), never)));
    await answer(ACK);
    await answer({ kind: "reject", reason: 9 });
    await answer(ACK);
    await answer(ACK);
    expect(await outcomes).toEqual([ACK, ACK, ACK]);
    expect(asked.map(({ service }) => service)).toEqual([WP, WPM, WP, WP]);
    expect(abilities.writesMultiple).toBe(false);
  });

  it("to the same property stay apart, so that the second comes after the answer to the first", async () => {
    const { queue: writes, asked, answer } = queue();
    const outcomes = Promise.all([write(9), write(1), write(1, 2)].map((one) => writes.write(one, never)));
    for (let i = 0; i < 3; i++) await answer(ACK);
    await outcomes;
    expect(asked.map(({ instances }) => instances)).toEqual([[9], [1], [1]]);
  });

  it("are never larger together than the device takes", async () => {
    const { queue: writes, asked, answer } = queue(50);
    const outcomes = Promise.all([1, 2, 3, 4, 5].map((instance) => writes.write(write(instance), never)));
    for (let i = 0; i < 5; i++) await answer(ACK);
    await outcomes;
    expect(Math.max(...asked.map(({ instances }) => instances.length))).toBeLessThan(4);
  });

  it("are not sent any more when the caller has given up", async () => {
    const { queue: writes, asked, answer } = queue();
    const first = writes.write(write(1), never);
    const giving = new AbortController();
    const second = writes.write(write(2), giving.signal);
    giving.abort();
    expect(await second).toEqual({ kind: "cancelled" });
    await answer(ACK);
    expect(await first).toEqual(ACK);
    expect(asked).toEqual([{ service: WP, instances: [1] }]);
  });
});
