import { describe, expect, it } from "vitest";
import { LIGHT, Perimeter, ZONE } from "./edge-perimeter.ts";

describe("commands to a gateway", () => {
  const site = new Perimeter();
  function write(id: string, more: object = {}): object {
    return { id, kind: "write", point: LIGHT, value: 40, priority: 8, ...more };
  }

  it("writes, reads back and tells the result through the events lane", async () => {
    await site.running();
    await site.cloud.command(write("c1"));
    await expect
      .poll(() => site.cloud.results("c1"))
      .toEqual([expect.objectContaining({ status: "done", readBack: 40 })]);
    expect(site.log()).toContain(`write ${LIGHT} 40 8`);
    await expect.poll(() => site.agent?.latest(LIGHT)?.value).toBe(40);
  });

  it("[catalogue 16] executes an id once, however often it is delivered, also after a restart", async () => {
    const first = await site.running();
    for (let i = 0; i < 3; i++) await site.cloud.command(write("c1"));
    await expect.poll(() => site.cloud.results("c1")).toHaveLength(1);
    await expect.poll(() => first.status().counters["commands"]?.["duplicate"]).toBe(2);
    await first.stop();
    const second = await site.running();
    await expect.poll(() => second.status().connected).toBe(true);
    await site.cloud.command(write("c1"));
    await expect.poll(() => second.status().counters["commands"]?.["duplicate"]).toBe(1);
    expect(site.log().filter((line) => line.startsWith("write"))).toHaveLength(1);
  });

  it("never executes an expired one", async () => {
    await site.running();
    await site.cloud.command(write("late", { expiresAt: Date.now() - 1 }));
    await expect.poll(() => site.cloud.results("late")).toEqual([expect.objectContaining({ status: "expired" })]);
    expect(site.log().filter((line) => line.startsWith("write"))).toEqual([]);
  });

  it("refuses a former leader after it has seen a newer one, also after a restart", async () => {
    const first = await site.running();
    await site.cloud.command(write("new", { fence: 7 }));
    await expect.poll(() => site.cloud.results("new")).toHaveLength(1);
    await site.cloud.command(write("old", { fence: 6, value: 1 }));
    await expect
      .poll(() => site.cloud.results("old"))
      .toEqual([expect.objectContaining({ status: "rejected", code: "COMMAND_FENCED" })]);
    await first.stop();
    const second = await site.running();
    await expect.poll(() => second.status().connected).toBe(true);
    await site.cloud.command(write("older", { fence: 5, value: 1 }));
    await expect.poll(() => site.cloud.results("older")).toEqual([expect.objectContaining({ code: "COMMAND_FENCED" })]);
    expect(site.log().filter((line) => line.startsWith("write"))).toHaveLength(1);
  });

  it.each([
    ["a point of nobody", { point: "park/gw/lights/none" }, "POINT_UNKNOWN"],
    ["a point that is read only", { point: "park/gw/lights/reading" }, "POINT_READ_ONLY"],
    ["a value out of range", { value: 101 }, "VALUE_OUT_OF_RANGE"],
    ["a value of another kind", { value: "on" }, "VALUE_KIND"],
    ["something without its priority", { priority: undefined }, "COMMAND_MALFORMED"],
  ])("refuses %s before anything reaches a device", async (_, more, code) => {
    await site.running();
    await site.cloud.command(write("c1", more));
    await expect.poll(() => site.cloud.results("c1")).toEqual([expect.objectContaining({ status: "rejected", code })]);
    expect(site.log().filter((line) => line.startsWith("write"))).toEqual([]);
  });

  it("gives back by itself what a command leased", async () => {
    await site.running();
    await site.cloud.command(write("c1", { leaseMs: 200 }));
    await expect.poll(() => site.log()).toContain(`write ${LIGHT} null 8`);
    expect(site.log()).toContain(`write ${LIGHT} 40 8`);
  });

  it("takes a picture on command and sends its bytes", async () => {
    await site.running();
    await site.cloud.command({
      id: "p1",
      kind: "action",
      device: "park/gw/camera-3",
      action: "snapshot",
      params: {},
      cause: { alarm: "a1", occurrence: 2 },
    });
    await expect.poll(() => site.cloud.results("p1")).toEqual([expect.objectContaining({ status: "done" })]);
    const [item] = site.cloud.of("snapshot");
    expect(item).toMatchObject({ alarm: "a1", occurrence: 2 });
    await expect
      .poll(() => site.cloud.blobs.get(item?.sha256 ?? "")?.body.toString())
      .toBe("picture of park/gw/camera-3");
    expect(site.cloud.blobs.get(item?.sha256 ?? "")?.contentType).toBe("image/jpeg");
  });

  it("acknowledges and resets an alarm by command, and refuses an older occurrence", async () => {
    await site.running();
    site.field.set("zone-3", 1);
    await expect.poll(() => site.cloud.of("alarm").map(({ transition }) => transition)).toContain("raised");
    const alarm = site.cloud.of("alarm").find(({ alarm: { definition } }) => definition === "zone-3-alarm")?.alarm;
    const act = { kind: "alarm", alarm: alarm?.id, occurrence: 1 };
    await site.cloud.command({ ...act, id: "a0", action: "acknowledge", occurrence: 2 });
    await expect.poll(() => site.cloud.results("a0")).toEqual([expect.objectContaining({ status: "rejected" })]);
    await site.cloud.command({ ...act, id: "a1", action: "acknowledge" });
    await expect.poll(() => site.cloud.results("a1")).toEqual([expect.objectContaining({ status: "done" })]);
    site.field.set("zone-3", 0);
    await expect.poll(() => site.agent?.latest(ZONE)?.value).toBe(0);
    await site.cloud.command({ ...act, id: "a2", action: "reset" });
    await expect.poll(() => site.cloud.results("a2")).toEqual([expect.objectContaining({ status: "done" })]);
    const told = site.cloud.of("alarm").filter((item) => item.alarm.id === alarm?.id);
    expect(told.map(({ transition, actor }) => [transition, actor])).toEqual([
      ["raised", undefined],
      ["acknowledged", "operator"],
      ["cleared", undefined],
      ["reset", "operator"],
    ]);
  });
});
