import { afterEach, beforeEach, expect, it } from "vitest";
import { ProcessLiveBus } from "#cloud/live/bus.ts";
import { type ParkApi, parkApi } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";
import { connect, listen, type Page } from "./live-socket.ts";
import { furnish } from "./routes-and-roles.ts";

const FLUSH_MS = 200;

/** A bus that can miss changes of other processes. */
class GappyBus extends ProcessLiveBus {
  readonly #listeners = new Set<() => void>();

  override onGap(listener?: () => void): () => void {
    if (listener) this.#listeners.add(listener);
    return () => void (listener && this.#listeners.delete(listener));
  }

  miss(): void {
    for (const listener of this.#listeners) listener();
  }
}

let park: ParkApi;
let bus: GappyBus;
let page: Page;
beforeEach(async () => {
  bus = new GappyBus((error) => {
    throw error;
  });
  park = await parkApi({ bus });
  await furnish(park);
  const as = await park.person("li.wei", { role: "operator", space: PARK.root });
  page = await connect(await listen(park), { as });
});
afterEach(async () => {
  page.socket.terminate();
  await park.close();
});

it("a page is told all it views again when changes of another process were missed, and goes on from there", async () => {
  page.send({ t: "view", id: "a", kind: "alarms" });
  page.send({ t: "view", id: "d", kind: "devices" });
  page.send({ t: "view", id: "gone", kind: "doors" });
  page.send({ t: "unview", id: "gone" });
  await expect.poll(() => page.told.length).toBe(3);
  bus.miss();
  await expect.poll(() => page.told.length).toBe(5);
  const [a, d, , againA, againD] = page.told;
  expect(againA).toMatchObject({ t: "snap", id: "a" });
  expect(againD).toMatchObject({ t: "snap", id: "d" });
  expect(againA?.t === "snap" && a?.t === "snap" && againA.items).toEqual(a?.t === "snap" && a.items);
  const epochs = [a, d, againA, againD].map((message) => message?.t === "snap" && message.epoch);
  expect(epochs[0]).toBe(epochs[1]);
  expect(epochs[2]).toBe(epochs[3]);
  expect(epochs[2]).not.toBe(epochs[0]);

  bus.publish({ kind: "alarms", id: "left", space: PARK.root, item: undefined });
  park.clock.advance(FLUSH_MS);
  await expect.poll(() => page.told.at(-1)).toMatchObject({ t: "delta", id: "a", epoch: epochs[2], rm: ["left"] });
});

it("a page that comes back from before the gap gets a snapshot, not the changes since", async () => {
  page.send({ t: "view", id: "a", kind: "alarms" });
  await expect.poll(() => page.told.length).toBe(1);
  const [first] = page.told;
  if (first?.t !== "snap") throw new Error("no snapshot");
  page.send({ t: "unview", id: "a" });
  page.send({ t: "view", id: "d", kind: "doors" });
  await expect.poll(() => page.told.length).toBe(2);
  page.send({ t: "unview", id: "d" });
  page.send({ t: "view", id: "n", kind: "notices" });
  await expect.poll(() => page.told.length).toBe(3);
  bus.miss();
  page.send({ t: "view", id: "a", kind: "alarms", since: { epoch: first.epoch, seq: first.seq } });
  await expect.poll(() => page.told.at(-1)).toMatchObject({ t: "snap", id: "a" });
});
