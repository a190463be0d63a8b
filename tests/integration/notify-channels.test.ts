import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DeliveryView, NotifyStep } from "#core/contracts/notify.ts";
import type { ChatChannel } from "#core/contracts/notify-channel.ts";
import {
  alarmOf,
  intrusionOf,
  MINUTE_MS,
  NOON,
  NotifyBench,
  type NotifyProcess,
  ruleOf,
} from "#tests/unit/cloud/notify/notify-bench.ts";
import { HttpReceiver } from "#tests/unit/cloud/notify/receivers.ts";

const KEY = "a key that nobody may see";

let bench: NotifyBench;
let http: HttpReceiver;
let hub: NotifyProcess;
beforeEach(async () => {
  bench = new NotifyBench();
  http = await HttpReceiver.start();
  hub = await bench.open();
});
afterEach(async () => {
  await bench.clear();
  await http.close();
});

/** Has one rule with one step tell one alarm, and gives the ledger. */
async function tell(step: Partial<NotifyStep>, alarm = alarmOf("a"), ms = 1000): Promise<readonly DeliveryView[]> {
  hub.rule("r", ruleOf([step]));
  hub.tell(alarm);
  await bench.pass(hub, ms);
  return hub.deliveries();
}

function hook(url = `${http.url}/alarms`): void {
  hub.channel("hook", { type: "webhook", name: "Hook", url, language: "zh-CN" }, { signingKey: KEY });
}

describe("a webhook", () => {
  it("is signed over time and body, so that a receiver can check both", async () => {
    hook(`http://hooks.example:${http.port}/alarms`);
    expect(await tell({}, intrusionOf("i"))).toMatchObject([
      { status: "sent", attempts: 1, recipient: "channel:hook" },
    ]);
    const [request] = http.received;
    const { headers, body = "" } = request ?? {};
    const timestamp = headers?.["x-parkhub-timestamp"];
    expect(Number(timestamp)).toBeCloseTo(NOON / 1000, -1);
    const expected = createHmac("sha256", KEY).update(`${timestamp}.${body}`).digest("hex");
    expect(headers?.["x-parkhub-signature"]).toBe(`v1=${expected}`);
    expect(headers?.host).toBe(`hooks.example:${http.port}`);
    expect(JSON.parse(body)).toMatchObject({
      v: 1,
      transition: "raised",
      total: 1,
      title: "报警：[高，入侵] i 过热",
      alarms: [{ id: "i", law: "security", place: "3 号门", at: "2026-11-23T04:00:00.000Z" }],
    });
  });

  it("is tried again after a failure that may pass, as the same delivery", async () => {
    hook();
    let refusals = 2;
    http.answer = (response) => {
      response.statusCode = refusals-- > 0 ? 503 : 204;
      response.end();
    };
    expect(await tell({}, alarmOf("a"), 30_000)).toMatchObject([{ status: "sent", attempts: 3 }]);
    expect(new Set(http.received.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    expect(hub.notices).toEqual([]);
  });

  it("is given up at once where it was refused for good, and people are told, of one channel once in ten minutes", async () => {
    hook();
    http.answer = (response) => {
      response.statusCode = 401;
      response.end("no");
    };
    await tell({});
    hub.tell(alarmOf("b"));
    await bench.pass(hub, 1000);
    expect(hub.deliveries()).toMatchObject([
      { status: "givenUp", attempts: 1, reason: expect.stringMatching(/^NOTIFY_HTTP_STATUS: .*401/) },
      { status: "givenUp", attempts: 1 },
    ]);
    expect(hub.notices).toMatchObject([{ alarm: "a", popup: true, textEn: expect.stringContaining("Hook") }]);
    await bench.pass(hub, 11 * MINUTE_MS);
    hub.tell(alarmOf("c"), "raised", NOON + 11 * MINUTE_MS);
    await bench.pass(hub, 1000);
    expect(hub.notices).toHaveLength(2);
  });

  it("that never answers is given up after its tries", async () => {
    hook();
    http.answer = () => undefined;
    hub.rule("r", ruleOf([{}]));
    hub.tell(alarmOf("a"));
    await expect
      .poll(
        () => {
          bench.clock.advance(5000);
          return hub.deliveries()[0]?.status;
        },
        { timeout: 15_000, interval: 5 },
      )
      .toBe("givenUp");
    expect(hub.deliveries()).toMatchObject([{ attempts: 10, reason: expect.stringContaining("NOTIFY_TIMEOUT") }]);
  });

  it("follows no redirect, not even to a listed host", async () => {
    hook();
    http.answer = (response) => {
      response.writeHead(307, { location: `${http.url}/elsewhere` });
      response.end();
    };
    expect(await tell({})).toMatchObject([{ status: "givenUp", reason: expect.stringContaining("redirect") }]);
    expect(http.received.map(({ url }) => url)).toEqual(["/alarms"]);
  });

  it("goes to the address that was checked: the name is looked up once a try, and a rebound one is refused", async () => {
    hook(`http://rebound.example:${http.port}/alarms`);
    let refused = false;
    http.answer = (response) => {
      response.statusCode = 503;
      refused = true;
      response.end();
    };
    const [delivery] = await tell({}, alarmOf("a"), 20_000);
    expect(refused).toBe(true);
    expect(delivery).toMatchObject({
      status: "givenUp",
      attempts: 2,
      reason: expect.stringContaining("EGRESS_FORBIDDEN"),
    });
    expect(hub.lookups).toEqual(["rebound.example", "rebound.example"]);
    expect(http.received).toHaveLength(1);
  });

  it.each([
    "http://169.254.169.254/latest",
    "http://[::ffff:a9fe:a9fe]/",
    "http://10.0.0.1/",
    "http://[::1]/",
    "http://0/",
  ])("is not sent to %s", async (url) => {
    hook(url);
    expect(await tell({})).toMatchObject([
      { status: "givenUp", attempts: 1, reason: expect.stringContaining("EGRESS_FORBIDDEN") },
    ]);
  });

  it("reads no more than 64 KiB of an answer", async () => {
    hook();
    http.answer = (response) => {
      // It would never end.
      const fill = (): void => {
        while (!response.destroyed && response.write("x".repeat(16_384)));
      };
      response.on("drain", fill);
      fill();
    };
    expect(await tell({})).toMatchObject([{ status: "sent" }]);
  });

  it("without a signing key sends nothing", async () => {
    hub.channel("hook", { type: "webhook", name: "Hook", url: `${http.url}/a`, language: "en" });
    expect(await tell({})).toMatchObject([
      { status: "givenUp", reason: expect.stringContaining("NOTIFY_SECRET_MISSING") },
    ]);
    expect(http.received).toEqual([]);
  });

  it("puts its secret into address and headers, and it is shown and logged nowhere", async () => {
    const url = `${http.url}/alarms?token={{secret}}`;
    const headers = { authorization: "Bearer {{secret}}" };
    hub.channel(
      "hook",
      { type: "webhook", name: "Hook", url, language: "en", headers },
      { signingKey: KEY, secret: "s3/cret" },
    );
    await tell({});
    expect(http.received[0]?.url).toBe("/alarms?token=s3%2Fcret");
    expect(http.received[0]?.headers.authorization).toBe("Bearer s3/cret");
    http.answer = (response) => response.destroy();
    hub.tell(alarmOf("b"));
    await bench.pass(hub, 5000);
    const { sync, kysely } = hub.db;
    const stored = (["notify_objects", "notify_versions", "notify_deliveries", "audit", "jobs"] as const).map((table) =>
      sync.all(kysely.selectFrom(table).selectAll()),
    );
    const shown = [hub.log.lines, hub.notify.list("channels"), hub.deliveries(), hub.notices, stored];
    expect(JSON.stringify(shown)).not.toMatch(/s3.{0,3}cret|a key that/);
    expect(hub.notify.secretsSet("hook")).toEqual(["secret", "signingKey"]);
    expect(readFileSync(path.join(bench.folder, "secrets.json"), "utf8")).toContain("s3/cret");
  });
});

describe("a group of an enterprise chat", () => {
  const chat = (flavour: ChatChannel["flavour"], secrets: Record<string, string> = {}): void => {
    const url = `${http.url}/robot?key=robot-key`;
    hub.channel("chat", { type: "chat", name: "Chat", flavour, language: "zh-CN" }, { url, ...secrets });
    const chatIds = { wecom: "li", dingtalk: "li", feishu: "ou_li" };
    hub.contact("li", { chatIds });
    hub.contact("wang", { chatIds: { wecom: "wang" } });
  };
  const to: NotifyStep["to"] = [
    { type: "contact", contact: "li" },
    { type: "contact", contact: "wang" },
  ];

  it("of WeCom gets one text that mentions all who are told", async () => {
    chat("wecomText");
    expect(await tell({ to, channels: ["chat"] })).toMatchObject([{ status: "sent", recipient: "channel:chat" }]);
    const { msgtype, text } = JSON.parse(http.received[0]?.body ?? "");
    expect([msgtype, text.mentioned_list]).toEqual(["text", ["li", "wang"]]);
    expect(text.content).toContain("a 过热");
  });

  it("of WeCom gets Markdown in which an alarm's own text mentions nobody", async () => {
    chat("wecomMarkdown");
    await tell({ to, channels: ["chat"] }, alarmOf("a", { message: "<@all> 来" }));
    const { markdown } = JSON.parse(http.received[0]?.body ?? "");
    expect(markdown.content.match(/<@\w+>/g)).toEqual(["<@li>", "<@wang>"]);
  });

  it("of DingTalk is signed in its address", async () => {
    chat("dingtalk", { signingKey: KEY });
    await tell({ to, channels: ["chat"] });
    const [request] = http.received;
    const url = new URL(`http://x${request?.url}`);
    const timestamp = url.searchParams.get("timestamp");
    const sign = createHmac("sha256", KEY).update(`${timestamp}\n${KEY}`).digest("base64");
    expect([url.searchParams.get("key"), url.searchParams.get("sign")]).toEqual(["robot-key", sign]);
    expect(JSON.parse(request?.body ?? "").at).toEqual({ atUserIds: ["li"], isAtAll: false });
  });

  it("of Feishu is signed in its body", async () => {
    chat("feishu", { signingKey: KEY });
    await tell({ to, channels: ["chat"] });
    const { timestamp, sign, content } = JSON.parse(http.received[0]?.body ?? "");
    expect(sign).toBe(createHmac("sha256", `${timestamp}\n${KEY}`).digest("base64"));
    expect(content.text).toContain('<at user_id="ou_li"></at>');
  });

  it("that answers 200 with an error of its own has not taken it", async () => {
    chat("wecomText");
    http.answer = (response) => response.end('{"errcode":93000,"errmsg":"invalid webhook url key robot-key"}');
    await tell({ channels: ["chat"] }, alarmOf("a"), 60 * MINUTE_MS);
    const [delivery] = hub.deliveries();
    expect(delivery).toMatchObject({ status: "givenUp", attempts: 10, reason: expect.stringContaining("93000") });
  });
});

describe("a short message", () => {
  beforeEach(() => hub.contact("li", { phone: "+86 138-0000-0000", language: "zh-CN" }));
  const to: NotifyStep["to"] = [{ type: "contact", contact: "li" }];

  it("goes to the gateway as its template says, escaped for JSON", async () => {
    const body = '{"to":"{{phone}}","msg":"{{text}}","key":"{{secret}}"}';
    hub.channel(
      "sms",
      {
        type: "sms",
        name: "SMS",
        method: "POST",
        url: `${http.url}/sms`,
        contentType: "application/json",
        body,
        maxCharacters: 40,
      },
      { secret: 'k"1' },
    );
    await tell({ to, channels: ["sms"] }, alarmOf("a", { message: '"引号"与换行\n'.repeat(9) }));
    const sent = JSON.parse(http.received[0]?.body ?? "");
    expect(sent).toMatchObject({ to: "+8613800000000", key: 'k"1' });
    expect([...sent.msg]).toHaveLength(40);
  });

  it("counts as taken only when the gateway says so", async () => {
    hub.channel("sms", {
      type: "sms",
      name: "SMS",
      method: "GET",
      url: `${http.url}/send?to={{phone}}&text={{text}}`,
      contentType: "text/plain",
      okPattern: "OK",
      maxCharacters: 70,
    });
    let answers = ["ERR 7", "OK 1"];
    http.answer = (response) => {
      response.end(answers[0]);
      answers = answers.slice(1);
    };
    expect(await tell({ to, channels: ["sms"] }, alarmOf("a"), 60_000)).toMatchObject([
      { status: "sent", attempts: 2 },
    ]);
    expect(new URL(`http://x${http.received[0]?.url}`).searchParams.get("to")).toBe("+8613800000000");
  });
});

describe("who is to be told", () => {
  it("is who is on call when the step is taken; where nobody is, people are told at the console", async () => {
    hook();
    hub.contact("li", { email: "li@park.example" });
    expect(await tell({ to: [{ type: "onCall", position: "control-room" }], channels: ["hook"] })).toMatchObject([
      { status: "sent", recipient: "channel:hook" },
    ]);
    hub.channel("mail", {
      type: "email",
      name: "Mail",
      host: "localhost",
      port: 1,
      security: "tls",
      from: "a@b.example",
    });
    hub.rule("r", ruleOf([{ to: [{ type: "onCall", position: "control-room" }], channels: ["mail"] }]));
    hub.tell(alarmOf("b"));
    await bench.pass(hub, 1000);
    expect(hub.deliveries().at(-1)).toMatchObject({
      status: "skipped",
      reason: expect.stringContaining("NOTIFY_NOBODY"),
    });
    expect(hub.notices).toMatchObject([{ textEn: expect.stringContaining("reaches nobody") }]);
  });

  it("can be tried with a test message, which the ledger keeps", async () => {
    hook();
    const actor = { name: "li.wei", grants: [] };
    expect(await hub.notify.test("hook", undefined, actor)).toMatchObject({ sent: true });
    http.answer = (response) => {
      response.statusCode = 500;
      response.end();
    };
    expect(await hub.notify.test("hook", undefined, actor)).toMatchObject({
      sent: false,
      reason: expect.stringContaining("500"),
    });
    expect(
      hub
        .deliveries()
        .map(({ status, transition }) => `${transition} ${status}`)
        .sort(),
    ).toEqual(["test givenUp", "test sent"]);
  });
});
