import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { alarmOf, intrusionOf, MINUTE_MS, NOON, NotifyBench, type NotifyProcess, ruleOf } from "./notify-bench.ts";
import { HttpReceiver } from "./receivers.ts";

/** What the chains of notification promise, on whatever record database `openRecords` opens. */
export function chainSuite(): void {
  // Hours pass in many small steps: on a busy machine each takes its time.
  vi.setConfig({ testTimeout: 60_000 });
  let bench: NotifyBench;
  let hook: HttpReceiver;
  let hub: NotifyProcess;
  beforeEach(async () => {
    bench = new NotifyBench();
    hook = await HttpReceiver.start();
    hub = await bench.open();
    const url = `${hook.url}/alarms`;
    hub.channel("hook", { type: "webhook", name: "Hook", url, language: "en" }, { signingKey: "k1" });
    hub.channel(
      "second",
      { type: "webhook", name: "Second", url: `${hook.url}/second`, language: "en" },
      { signingKey: "k2" },
    );
  });
  afterEach(async () => {
    await bench.clear();
    await hook.close();
  });

  /** What the webhook was sent: path, transition, step and the alarms named. */
  function told(): string[] {
    return hook.received.map(({ url, body }) => {
      const { transition, step, total, alarms } = JSON.parse(body);
      return `${url} ${transition} ${step} ${alarms.map(({ id }: { id: string }) => id).join("+")}/${total}`;
    });
  }

  async function after(ms: number): Promise<string[]> {
    await bench.pass(hub, ms);
    return told();
  }

  describe("an alarm that a rule wants", () => {
    it("is told at once, once, and to nobody after it was acknowledged", async () => {
      hub.rule("r", ruleOf([{}, { afterMinutes: 5 }, { afterMinutes: 10, channels: ["second"] }]));
      const alarm = alarmOf("a");
      hub.tell(alarm);
      hub.tell(alarm);
      expect(await after(1000)).toEqual(["/alarms raised 0 a/1"]);
      expect(await after(5 * MINUTE_MS)).toEqual(["/alarms raised 0 a/1", "/alarms raised 1 a/1"]);
      hub.tell({ ...alarm, acknowledged: true }, "acknowledged");
      expect(await after(60 * MINUTE_MS)).toHaveLength(2);
      expect(hub.deliveries().map(({ status, attempts }) => [status, attempts])).toEqual([
        ["sent", 1],
        ["sent", 1],
      ]);
    });

    it("escalates through every step when nobody acknowledges", async () => {
      hub.rule("r", ruleOf([{}, { afterMinutes: 5, channels: ["second"] }, { afterMinutes: 15 }]));
      hub.tell(alarmOf("a"));
      expect(await after(60 * MINUTE_MS)).toEqual([
        "/alarms raised 0 a/1",
        "/second raised 1 a/1",
        "/alarms raised 2 a/1",
      ]);
    });

    it("is told anew for its next occurrence, which an acknowledgement of the one before does not end", async () => {
      hub.rule("r", ruleOf([{}, { afterMinutes: 5 }]));
      hub.tell(alarmOf("a"));
      await after(1000);
      hub.tell(alarmOf("a", { occurrence: 2 }), "raised", NOON);
      hub.tell(alarmOf("a", { occurrence: 1 }), "acknowledged");
      expect(await after(10 * MINUTE_MS)).toEqual([
        "/alarms raised 0 a/1",
        "/alarms raised 0 a/1",
        "/alarms raised 1 a/1",
      ]);
    });

    it("is told once to one recipient by one channel however many rules want it", async () => {
      hub.rule("r", ruleOf([{}]));
      hub.rule("s", ruleOf([{}]));
      hub.tell(alarmOf("a"));
      expect(await after(1000)).toEqual(["/alarms raised 0 a/1"]);
    });

    it("is chosen by position, law, category, priority and transition", async () => {
      let changes = 0;
      hub.notify.positions.onChange(() => changes++);
      hub.notify.put(
        {
          kind: "positions",
          id: "gate",
          version: 0,
          document: { name: "门岗", nameEn: "Gate", areas: ["gate-3"], categories: ["intrusion"] },
        },
        { name: "li.wei", grants: [] },
      );
      expect(changes).toBe(1);
      hub.rule("gate", ruleOf([{}], { position: "gate" }));
      hub.rule(
        "urgent",
        ruleOf([{ channels: ["second"] }], { laws: ["facility"], priorities: ["urgent"], on: ["cleared"] }),
      );
      hub.tell(alarmOf("elsewhere"));
      hub.tell(alarmOf("fence", { area: "gate-3" }));
      hub.tell(intrusionOf("intrusion"));
      hub.tell(alarmOf("chiller", { priority: "urgent" }));
      hub.tell(alarmOf("chiller", { priority: "urgent", condition: "inactive" }), "cleared");
      expect((await after(1000)).sort()).toEqual(["/alarms raised 0 intrusion/1", "/second cleared 0 chiller/1"]);
      expect(hub.notify.positions.of({ area: "gate-3", category: "intrusion" }).map(({ id }) => id)).toEqual([
        "control-room",
        "gate",
      ]);
      expect(changes, "rules are no positions").toBe(1);
    });

    it("tells no further steps of a facility alarm that has cleared, but goes on with an intrusion", async () => {
      hub.rule("r", ruleOf([{}, { afterMinutes: 5 }]));
      hub.tell(alarmOf("a"));
      hub.tell(intrusionOf("i"));
      await after(1000);
      hub.tell(alarmOf("a", { condition: "inactive" }), "cleared");
      hub.tell(intrusionOf("i", { condition: "latched" }), "cleared");
      expect((await after(10 * MINUTE_MS)).sort()).toEqual([
        "/alarms raised 0 a/1",
        "/alarms raised 0 i/1",
        "/alarms raised 1 i/1",
      ]);
    });

    it("calls nobody while it is suppressed, and goes on where it was when it returns and still holds", async () => {
      hub.rule("r", ruleOf([{}, { afterMinutes: 5 }]));
      hub.tell(alarmOf("held", { suppression: ["byDesign"] }));
      hub.tell(alarmOf("a"));
      expect(await after(1000)).toEqual(["/alarms raised 0 a/1"]);
      hub.tell(alarmOf("a", { suppression: ["shelved"] }), "shelved");
      expect(await after(30 * MINUTE_MS)).toHaveLength(1);
      hub.tell(alarmOf("a"), "unshelved", NOON + 30 * MINUTE_MS);
      hub.tell(alarmOf("held"), "unsuppressed", NOON + 30 * MINUTE_MS);
      expect((await after(1000)).slice(1).sort()).toEqual(["/alarms raised 0 held/1", "/alarms raised 1 a/1"]);
    });

    it("calls nobody because of what a maintenance permit holds back, but always for panic", async () => {
      hub.rule("r", ruleOf([{}]));
      hub.permitted.add("hot");
      hub.tell(alarmOf("a"));
      hub.tell(intrusionOf("help", { category: "panic", suppression: ["outOfService"] }));
      expect(await after(1000)).toEqual(["/alarms raised 0 help/1"]);
    });

    it("is not told when it becomes known too late, and the ledger says so; an intrusion is told for a day", async () => {
      hub.rule("r", ruleOf([{}]));
      hub.tell(alarmOf("old"), "raised", NOON - 61 * MINUTE_MS);
      hub.tell(intrusionOf("open", { raisedAt: NOON - 5 * 60 * MINUTE_MS }));
      hub.tell(intrusionOf("ancient", { raisedAt: NOON - 25 * 60 * MINUTE_MS }));
      expect(await after(1000)).toEqual(["/alarms raised 0 open/1"]);
      const late = hub.deliveries().filter(({ status }) => status === "tooLate");
      expect(late.map(({ alarm, reason }) => [alarm, reason?.split(":")[0]]).sort()).toEqual([
        ["ancient", "NOTIFY_TOO_LATE"],
        ["old", "NOTIFY_TOO_LATE"],
      ]);
    });

    it("stops when its rule is switched off", async () => {
      hub.rule("r", ruleOf([{}, { afterMinutes: 5 }]));
      hub.tell(alarmOf("a"));
      await after(1000);
      hub.rule("r", ruleOf([{}, { afterMinutes: 5 }], { enabled: false }));
      expect(await after(10 * MINUTE_MS)).toHaveLength(1);
    });

    it("leaves nothing behind when the transaction that tells it is undone", async () => {
      hub.rule("r", ruleOf([{}]));
      expect(() =>
        hub.db.sync.transaction(() => {
          hub.notify.listener({ alarm: alarmOf("a"), transition: "raised", at: NOON });
          throw new Error("undone");
        }),
      ).toThrow("undone");
      expect(await after(10_000)).toEqual([]);
      expect(hub.deliveries()).toEqual([]);
    });

    it("is told as the digest of a permit to the positions that look after its scope", async () => {
      hub.rule("r", ruleOf([{}], { on: ["permitDigest"] }));
      hub.db.sync.transaction(() =>
        hub.notify.permitDigest({
          permit: "p1",
          at: NOON,
          text: "汇总",
          textEn: "digest",
          areas: ["gate-3"],
          categories: [],
        }),
      );
      expect(await after(1000)).toEqual(["/alarms permitDigest 0 permit:p1/1"]);
    });
  });

  describe("quiet hours", () => {
    // noon is quiet, until 14:00
    const quietHours = [{ days: [1, 2, 3, 4, 5, 6, 7], from: "11:00", to: "14:00" }];

    it("hold a facility alarm back, and it does not escalate all at once when they end", async () => {
      hub.rule("r", ruleOf([{}, { afterMinutes: 5 }], { quietHours }));
      hub.tell(alarmOf("a"));
      expect(await after(119 * MINUTE_MS)).toEqual([]);
      expect(await after(2 * MINUTE_MS)).toEqual(["/alarms raised 0 a/1"]);
      expect(await after(6 * MINUTE_MS)).toHaveLength(2);
    });

    it("never hold back an alarm of the security law, of whatever priority, nor an urgent one", async () => {
      hub.rule("r", ruleOf([{}], { quietHours }));
      hub.tell(intrusionOf("low", { priority: "low" }));
      hub.tell(alarmOf("urgent", { priority: "urgent" }));
      expect((await after(1000)).sort()).toEqual(["/alarms raised 0 low/1", "/alarms raised 0 urgent/1"]);
    });

    it("forget an alarm that was acknowledged meanwhile", async () => {
      hub.rule("r", ruleOf([{}], { quietHours }));
      hub.tell(alarmOf("a"));
      await after(MINUTE_MS);
      hub.tell(alarmOf("a"), "acknowledged");
      expect(await after(180 * MINUTE_MS)).toEqual([]);
    });
  });

  describe("a flood", () => {
    it("is told as one message after the first", async () => {
      hub.rule("r", ruleOf([{}], { groupSeconds: 300 }));
      hub.tell(alarmOf("first"));
      expect(await after(1000)).toEqual(["/alarms raised 0 first/1"]);
      for (let i = 0; i < 60; i++) hub.tell(alarmOf(`a${i}`, { raisedAt: NOON + 1000 }));
      expect(await after(4 * MINUTE_MS)).toHaveLength(1);
      const [, flood, ...more] = await after(2 * MINUTE_MS);
      expect(more).toEqual([]);
      expect(flood).toMatch(/\/60$/);
      expect(JSON.parse(hook.received[1]?.body ?? "").alarms).toHaveLength(20);
    });

    it("does not hold back the first alarm of the security law, and tells that one by itself", async () => {
      hub.rule("r", ruleOf([{}], { groupSeconds: 300 }));
      for (let i = 0; i < 5; i++) hub.tell(alarmOf(`a${i}`));
      await after(1000);
      for (const id of ["i1", "i2", "i3"]) hub.tell(intrusionOf(id));
      const messages = await after(1000);
      expect(messages).toHaveLength(3);
      expect(messages.slice(1).sort()).toEqual(["/alarms raised 0 i1/1", "/alarms raised 0 i2+i3/2"]);
      hub.tell(intrusionOf("i4", { raisedAt: NOON + 2000 }));
      // those after it wait for a minute at most, whatever the rule says
      expect(await after(62_000)).toContain("/alarms raised 0 i4/1");
    });
  });

  describe("a process that is killed", () => {
    it("between any two steps of a chain leaves each step to be taken once", async () => {
      hub.rule("r", ruleOf([{}, { afterMinutes: 5 }, { afterMinutes: 10 }, { afterMinutes: 15 }]));
      hub.tell(alarmOf("a"));
      for (let minute = 0; minute < 20; minute++) {
        await after(MINUTE_MS);
        await bench.end();
        hub = await bench.open();
      }
      expect(await after(MINUTE_MS)).toEqual([0, 1, 2, 3].map((step) => `/alarms raised ${step} a/1`));
      expect(hub.deliveries().map(({ status }) => status)).toEqual(["sent", "sent", "sent", "sent"]);
    });

    it("after the step and before the message went out sends it once", async () => {
      hub.rule("r", ruleOf([{}]));
      const { promise: reached, resolve } = Promise.withResolvers<void>();
      hook.answer = () => resolve(); // and never answers: the process dies with the call under way
      hub.tell(alarmOf("a"));
      const ticking = setInterval(() => bench.clock.advance(1), 1);
      await reached.finally(() => clearInterval(ticking));
      hook.answer = (response) => void response.end("{}");
      await bench.end();
      hub = await bench.open();
      await bench.pass(hub, 20_000);
      const [first, second, ...more] = hook.received;
      expect(more).toEqual([]);
      // the receiver can know that it is the same one
      expect(second?.headers["idempotency-key"]).toBe(first?.headers["idempotency-key"]);
      expect(hub.deliveries().map(({ status }) => status)).toEqual(["sent"]);
    });
  });
}
