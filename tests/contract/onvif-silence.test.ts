import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { CAMERA, POLL } from "./onvif-field.ts";
import {
  type Answer,
  item,
  notification,
  observeScripted,
  type ScriptedDevice,
  scriptedDevice,
} from "./onvif-scripted.ts";

/** Five minutes pass in a second for what the driver measures; its timers keep their pace. */
const FAST = { ...systemClock, monotonic: () => systemClock.monotonic() * 300 };

const motion = (state: boolean, operation: "Initialized" | "Changed" = "Changed"): string =>
  notification({
    topic: "VideoSource/MotionAlarm",
    source: item("Source", "V1"),
    data: item("State", String(state)),
    operation,
  });

describe("event subscriptions of odd devices", { timeout: 30_000 }, () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function listening(answers: Readonly<Record<string, Answer>>, clock = systemClock) {
    const device = await scriptedDevice(["events"]);
    closing.push(() => device.close());
    device.answer(answers);
    const made = await observeScripted(device, { motion: { signal: "motion" } }, {}, clock);
    closing.push(() => made.driver.stop());
    return { ...made, device };
  }
  const count = (device: ScriptedDevice, name: string): number => device.asked().filter((one) => one === name).length;

  it("that told all its properties when asked, and tell none any more, are made anew", async () => {
    let told = 0;
    const held: { device?: ScriptedDevice } = {};
    const made = await listening(
      {
        SetSynchronizationPoint: () => {
          told++;
          // Frozen after the second time until it is asked on a new subscription.
          if (told !== 3) held.device?.tell(motion(told > 3, "Initialized"));
          return "<evt:SetSynchronizationPointResponse/>";
        },
      },
      FAST,
    );
    held.device = made.device;
    await expect.poll(() => made.events("eventsMayBeMissing").length, POLL).toBe(1);
    expect(made.events("eventsMayBeMissing")[0]?.data).toEqual({ cause: "ONVIF_EVENTS_SILENT" });
    await expect.poll(() => made.latest("motion"), POLL).toMatchObject({ value: true, quality: "good" });
    expect(made.events("motion")).toMatchObject([{ state: true, data: { recovered: true } }]);
  });

  it("that never tell their properties when asked, are left alone", async () => {
    const made = await listening({}, FAST);
    // Asked twice: when the subscription began, and once more after five minutes.
    await expect.poll(() => count(made.device, "SetSynchronizationPoint"), POLL).toBe(2);
    const pulls = count(made.device, "PullMessages");
    await expect.poll(() => count(made.device, "PullMessages"), POLL).toBeGreaterThan(pulls + 4);
    expect(count(made.device, "SetSynchronizationPoint")).toBe(2);
    expect(count(made.device, "CreatePullPointSubscription")).toBe(1);
    expect(made.events("eventsMayBeMissing")).toEqual([]);
  });

  it("that tell only when they end, not what time it is, are renewed in time", async () => {
    const inSixSeconds = (): string => new Date(systemClock.now() + 6000).toISOString();
    const made = await listening({
      CreatePullPointSubscription: () =>
        "<evt:CreatePullPointSubscriptionResponse><evt:SubscriptionReference>" +
        `<addr:Address>http://192.0.2.5/subscription</addr:Address></evt:SubscriptionReference>` +
        `<nt:TerminationTime>${inSixSeconds()}</nt:TerminationTime></evt:CreatePullPointSubscriptionResponse>`,
      Renew: () => `<nt:RenewResponse><nt:TerminationTime>${inSixSeconds()}</nt:TerminationTime></nt:RenewResponse>`,
    });
    const startedAt = systemClock.monotonic();
    await expect.poll(() => count(made.device, "Renew"), POLL).toBe(1);
    expect(systemClock.monotonic() - startedAt).toBeLessThan(5500);
  });

  it("that pull no more, are made anew", async () => {
    const made = await listening({});
    await expect.poll(() => count(made.device, "PullMessages"), POLL).toBeGreaterThan(0);
    made.device.answer({ PullMessages: () => undefined });
    await expect.poll(() => count(made.device, "CreatePullPointSubscription"), POLL).toBeGreaterThan(1);
    expect(made.recording.reachability(CAMERA)).toEqual([true]);
  });

  it("whose connection breaks while a pull is held are told: what it would have brought is lost", async () => {
    const made = await listening({});
    await expect.poll(() => count(made.device, "PullMessages"), POLL).toBeGreaterThan(2);
    expect(made.events("eventsMayBeMissing")).toEqual([]);
    made.device.breakOff("PullMessages");
    await expect.poll(() => made.events("eventsMayBeMissing").length, POLL).toBe(1);
    made.device.tell(motion(true));
    await expect.poll(() => made.latest("motion"), POLL).toMatchObject({ value: true, quality: "good" });
  });
});
