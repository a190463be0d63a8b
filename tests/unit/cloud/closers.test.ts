import { expect, it } from "vitest";
import { Closers } from "#cloud/closers.ts";
import { silentLogger } from "#core/logger.ts";

it("ends the parts from the latest to the first, waiting for each", async () => {
  const ended: string[] = [];
  const closers = new Closers();
  closers.push(() => void ended.push("records"));
  closers.push(async () => {
    await Promise.resolve();
    ended.push("broker");
  });
  closers.begin({ start: () => void ended.push("alarms begin"), stop: () => void ended.push("alarms") });
  await closers.close(silentLogger);
  expect(ended).toEqual(["alarms begin", "alarms", "broker", "records"]);
});

it("waits for a part that it began and that ends in a while", async () => {
  const ended: string[] = [];
  const closers = new Closers();
  closers.push(() => void ended.push("records"));
  closers.begin({
    start: () => undefined,
    async stop() {
      await new Promise((resolve) => setImmediate(resolve));
      ended.push("retention");
    },
  });
  await closers.close(silentLogger);
  expect(ended).toEqual(["retention", "records"]);
});

it("closes what comes after a part that fails all the same, and says that it failed", async () => {
  const ended: string[] = [];
  const closers = new Closers();
  closers.push(() => void ended.push("records"));
  closers.push(() => Promise.reject(new Error("no answer")));
  closers.push(() => {
    throw new Error("broken");
  });
  await expect(closers.close(silentLogger)).rejects.toMatchObject({ code: "CLOUD_NOT_CLOSED" });
  expect(ended).toEqual(["records"]);
});

it("ends nothing twice", async () => {
  let ended = 0;
  const closers = new Closers();
  closers.push(() => void ended++);
  await closers.close(silentLogger);
  await closers.close(silentLogger);
  expect(ended).toBe(1);
});
