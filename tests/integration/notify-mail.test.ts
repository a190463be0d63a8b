import tls from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { DeliveryView, NotifyStep } from "#core/contracts/notify.ts";
import { makeKey, tlsIdentity } from "#simulators/self-signed.ts";
import { alarmOf, MINUTE_MS, NotifyBench, type NotifyProcess, ruleOf } from "#tests/unit/cloud/notify/notify-bench.ts";
import { HttpReceiver, MailReceiver } from "#tests/unit/cloud/notify/receivers.ts";

const PASSWORD = "p/w that nobody may see";

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
async function tell(step: Partial<NotifyStep>): Promise<readonly DeliveryView[]> {
  hub.rule("r", ruleOf([step]));
  hub.tell(alarmOf("a"));
  await bench.pass(hub, 1000);
  return hub.deliveries();
}

describe("mail", () => {
  const certificate = { commonName: "localhost", notBefore: Date.UTC(2026, 0, 1), notAfter: Date.UTC(2051, 5, 1) };
  const identity = tlsIdentity(makeKey(), certificate);
  const login = { user: "hub", password: PASSWORD, cert: identity.cert, key: identity.key };
  const usual = tls.getCACertificates("default");
  let mail: MailReceiver | undefined;
  beforeAll(() => tls.setDefaultCACertificates([...usual, identity.cert]));
  afterAll(() => tls.setDefaultCACertificates(usual));
  beforeEach(() => hub.contact("li", { email: "li@park.example", language: "en" }));
  afterEach(async () => {
    await mail?.close();
    mail = undefined;
  });
  const to: NotifyStep["to"] = [{ type: "contact", contact: "li" }];
  const channel = (
    more: { security: "tls" | "starttls" | "none"; user?: string; host?: string },
    password = PASSWORD,
  ): void => {
    const port = mail?.port ?? 1;
    const base = { type: "email", name: "Mail", host: "localhost", port, from: "hub@park.example" } as const;
    hub.channel("mail", { ...base, ...more }, { password });
  };

  it.each([
    ["starttls", false],
    ["tls", true],
  ] as const)("goes over %s with the account's password, in the recipient's language", async (security, secure) => {
    mail = await MailReceiver.start({ ...login, secure });
    channel({ security, user: "hub" });
    expect(await tell({ to, channels: ["mail"] })).toMatchObject([{ status: "sent", recipient: "li" }]);
    const [received] = mail.received;
    expect(received).toMatchObject({ from: "hub@park.example", to: ["li@park.example"], user: "hub", secure: true });
    expect(received?.source).toMatch(/^Subject: Alarm: \[high, equipment\] a too hot\r$/m);
    expect(received?.source).toMatch(/^Message-ID: <[0-9a-f-]+@park.example>\r$/im);
  });

  it("with a wrong password is given up without being tried again", async () => {
    mail = await MailReceiver.start(login);
    channel({ security: "starttls", user: "hub" }, "another one");
    const [delivery] = await tell({ to, channels: ["mail"] });
    expect(delivery).toMatchObject({ status: "givenUp", attempts: 1, reason: expect.stringContaining("EAUTH") });
  });

  it("is not sent where the server does not offer TLS, nor to one whose certificate nobody vouches for", async () => {
    mail = await MailReceiver.start();
    channel({ security: "starttls" });
    await tell({ to, channels: ["mail"] });
    expect(mail.received).toEqual([]);
    const other = tlsIdentity(makeKey(), certificate);
    const impostor = await MailReceiver.start({ ...login, cert: other.cert, key: other.key });
    try {
      hub.channel("mail", {
        type: "email",
        name: "Mail",
        host: "localhost",
        port: impostor.port,
        security: "starttls",
        user: "hub",
        from: "hub@park.example",
      });
      hub.tell(alarmOf("b"));
      await bench.pass(hub, 20 * MINUTE_MS);
      expect(impostor.received).toEqual([]);
      expect(hub.deliveries().map(({ status }) => status)).not.toContain("sent");
    } finally {
      await impostor.close();
    }
  });

  it("without TLS goes only to a listed address and without a password", async () => {
    mail = await MailReceiver.start();
    channel({ security: "none" });
    expect(await tell({ to, channels: ["mail"] })).toMatchObject([{ status: "sent" }]);
    expect(() => channel({ security: "none", user: "hub" })).toThrow(/without TLS/);
  });

  it("that fails for good makes the next channel of the step take its place", async () => {
    mail = await MailReceiver.start();
    mail.refusal = Object.assign(new Error("mailbox full"), { responseCode: 552 });
    channel({ security: "none" });
    const url = `${http.url}/alarms`;
    hub.channel("hook", { type: "webhook", name: "Hook", url, language: "zh-CN" }, { signingKey: "k" });
    const ledger = await tell({ to, channels: ["mail", "hook"] });
    expect(ledger.map(({ status, channel: by, recipient }) => [status, by, recipient]).sort()).toEqual([
      ["givenUp", "mail", "li"],
      ["sent", "hook", "channel:hook"],
    ]);
    expect(JSON.parse(http.received[0]?.body ?? "")).toMatchObject({ total: 1, alarms: [{ id: "a" }] });
  });
});
