import { createHmac } from "node:crypto";
import type { ChatChannel } from "#core/contracts/notify-channel.ts";

/** What a body's placeholders stand for. */
export interface ChatWords {
  readonly title: string;
  readonly text: string;
  /** Names in this chat of who is mentioned. */
  readonly mentions: readonly string[];
}

/** A body in which a text `{{name}}` stands for a word or for the list of mentions. */
type Template = string | number | boolean | { readonly [key: string]: Template };

/** How one chat's group robot is spoken to: data, one adapter for all. */
interface Flavour {
  readonly body: Template;
  /** Longest text, bytes of UTF-8. */
  readonly longest: number;
  /** Whose contact ids are mentioned. */
  readonly ids: "wecom" | "dingtalk" | "feishu";
  /** How a mention is written into the text, where the body has no list for it. */
  readonly mention?: (id: string) => string;
  /** Field of the answer that is 0 when it was taken. */
  readonly okField: string;
  readonly sign?: "query" | "body";
}

/** @see WeCom group robot configuration; DingTalk custom robot access; Feishu custom bot guide */
export const CHAT_FLAVOURS: Readonly<Record<ChatChannel["flavour"], Flavour>> = {
  wecomText: {
    body: { msgtype: "text", text: { content: "{{text}}", mentioned_list: "{{mentions}}" } },
    longest: 2048,
    ids: "wecom",
    okField: "errcode",
  },
  wecomMarkdown: {
    body: { msgtype: "markdown", markdown: { content: "**{{title}}**\n{{text}}" } },
    longest: 4096,
    ids: "wecom",
    mention: (id) => `<@${id}>`,
    okField: "errcode",
  },
  dingtalk: {
    body: {
      msgtype: "markdown",
      markdown: { title: "{{title}}", text: "**{{title}}**\n\n{{text}}" },
      at: { atUserIds: "{{mentions}}", isAtAll: false },
    },
    longest: 18_000,
    ids: "dingtalk",
    mention: (id) => `@${id}`,
    okField: "errcode",
    sign: "query",
  },
  feishu: {
    body: { msg_type: "text", content: { text: "{{title}}\n{{text}}" } },
    longest: 18_000,
    ids: "feishu",
    mention: (id) => `<at user_id="${id}"></at>`,
    okField: "code",
    sign: "body",
  },
};

/** What was put in must not mention anybody by itself: in all of these chats `<` begins a mention. */
export function harmless(text: string): string {
  return text.replaceAll("<", "＜").replaceAll("@", "＠");
}

/** Fills a body. */
export function filled(template: Template, words: ChatWords): unknown {
  if (template === "{{mentions}}") return words.mentions;
  if (typeof template === "string")
    return template.replace(/\{\{(title|text)\}\}/g, (_all, name: "title" | "text") => words[name]);
  if (typeof template !== "object") return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, filled(value, words)]));
}

/** DingTalk's signature: HMAC-SHA256 by the secret over `<ms>\n<secret>`, base64. */
export function dingtalkSign(secret: string, nowMs: number): { timestamp: string; sign: string } {
  const timestamp = String(nowMs);
  return { timestamp, sign: createHmac("sha256", secret).update(`${timestamp}\n${secret}`).digest("base64") };
}

/** Feishu's signature: HMAC-SHA256 by `<s>\n<secret>` over nothing, base64. */
export function feishuSign(secret: string, nowMs: number): { timestamp: string; sign: string } {
  const timestamp = String(Math.floor(nowMs / 1000));
  return { timestamp, sign: createHmac("sha256", `${timestamp}\n${secret}`).digest("base64") };
}
