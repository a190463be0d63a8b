import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { CHAT_FLAVOURS, dingtalkSign, feishuSign, filled, harmless } from "#cloud/notify/chat-flavours.ts";
import { cutBytes, type Message, render, wallText } from "#cloud/notify/message.ts";
import { SecretFile, withoutSecrets } from "#cloud/notify/secret-file.ts";

const AT = Date.parse("2026-11-23T04:05:06Z");
const ALARM: Message["alarms"][number] = {
  id: "a1",
  occurrence: 1,
  law: "security",
  category: "intrusion",
  priority: "urgent",
  message: "3 号门入侵",
  messageEn: "Intrusion at gate 3",
  source: "p",
  raisedAt: AT,
  at: AT,
  place: "周界 / 3 号门",
  placeEn: "Perimeter / Gate 3",
};

describe("a message", () => {
  it("tells of one alarm in the language of who reads it, with the time of the site", () => {
    const message = { transition: "raised", step: 0, total: 1, alarms: [ALARM] };
    expect(render(message, "zh-CN", "Asia/Shanghai")).toEqual({
      title: "报警：[紧急，入侵] 3 号门入侵",
      text: "[紧急，入侵] 3 号门入侵\n位置：周界 / 3 号门\n时间：2026-11-23 12:05:06 +08:00",
    });
    expect(render(message, "en", "Asia/Shanghai")).toEqual({
      title: "Alarm: [urgent, intrusion] Intrusion at gate 3",
      text: "[urgent, intrusion] Intrusion at gate 3\nPlace: Perimeter / Gate 3\nTime: 2026-11-23 12:05:06 +08:00",
    });
  });

  it("says in a later step that nobody has acknowledged yet", () => {
    const message = { transition: "raised", step: 1, total: 1, alarms: [ALARM] };
    expect(render(message, "zh-CN", "Asia/Shanghai").title).toContain("仍未确认");
    expect(render(message, "en", "Asia/Shanghai").title).toContain("still not acknowledged");
  });

  it("counts the alarms that it does not name", () => {
    const { title, text } = render({ transition: "raised", step: 0, total: 30, alarms: [ALARM, ALARM] }, "en", "UTC");
    expect(title).toBe("Alarm: 30 in all: [urgent, intrusion] Intrusion at gate 3");
    expect(text.split("\n")).toHaveLength(3);
    expect(text).toContain("and 28 more");
  });

  it("keeps line breaks of an alarm's text out of its title", () => {
    const alarm = { ...ALARM, messageEn: "a\r\nBcc: everybody@example.com" };
    expect(render({ transition: "raised", step: 0, total: 1, alarms: [alarm] }, "en", "UTC").title).toBe(
      "Alarm: [urgent, intrusion] a Bcc: everybody@example.com",
    );
  });

  it("tells the hour that comes twice apart", () => {
    const twice = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"].map((at) =>
      wallText(Date.parse(at), "Europe/Berlin"),
    );
    expect(twice).toEqual(["2026-10-25 02:30:00 +02:00", "2026-10-25 02:30:00 +01:00"]);
  });

  it("is cut between characters and fits its bytes", () => {
    const cut = cutBytes("报警".repeat(100), 50);
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(50);
    expect(cut).toMatch(/^[报警]+…$/);
    expect(cutBytes("short", 50)).toBe("short");
  });
});

describe("a chat's body", () => {
  it("is filled without a word's own signs being taken for a placeholder or a mention", () => {
    const words = { title: "t", text: "{{title}} $& <@all>", mentions: ["u1"] };
    expect(filled(CHAT_FLAVOURS.wecomText.body, words)).toEqual({
      msgtype: "text",
      text: { content: "{{title}} $& <@all>", mentioned_list: ["u1"] },
    });
    expect(harmless('<@all> <at user_id="all">')).not.toMatch(/[<@]/);
  });

  it("is signed as DingTalk and Feishu document it", () => {
    // computed with `openssl dgst -sha256 -hmac` over what the two guides describe
    expect(dingtalkSign("SECabc", 1_700_000_000_000)).toEqual({
      timestamp: "1700000000000",
      sign: "jcUpW0QmtKduN03n4JqQ0PBosVjqnM8gU7fIIvsDmCM=",
    });
    expect(feishuSign("abc", 1_700_000_000_000)).toEqual({
      timestamp: "1700000000",
      sign: "VIS10b0EBvzzSdFnuk4tznEmK5wHaruvf/WnViv2yR4=",
    });
  });
});

describe("the file of secrets", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "parkhub-secrets-"));
  const file = path.join(folder, "cloud", "secrets.json");
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("keeps them for the next process, for its user alone, and forgets what is emptied", () => {
    const secrets = new SecretFile(file);
    secrets.change("mail", { password: "one", secret: "two" });
    secrets.change("mail", { secret: "" });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(new SecretFile(file).of("mail")).toEqual({ password: "one" });
    secrets.remove("mail");
    expect(readFileSync(file, "utf8")).not.toContain("one");
    expect(new SecretFile(file).of("mail")).toEqual({});
  });

  it("hides them in a text, as they are and as a URL writes them", () => {
    expect(withoutSecrets("key k/1 and k%2F1", { secret: "k/1", empty: "" })).toBe("key *** and ***");
  });
});
