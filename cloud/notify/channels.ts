import { createHmac } from "node:crypto";
import type { Clock } from "#core/clock.ts";
import type { NotifyContact, NotifyLanguage } from "#core/contracts/notify.ts";
import type { ChatChannel, NotifyChannel, SmsChannel, WebhookChannel } from "#core/contracts/notify-channel.ts";
import { errorCode } from "#core/errors.ts";
import { CHAT_FLAVOURS, dingtalkSign, feishuSign, filled, harmless } from "./chat-flavours.ts";
import type { Egress } from "./egress.ts";
import { sendMail } from "./email.ts";
import { DeliveryError } from "./errors.ts";
import { type HttpCall, HttpSender } from "./http-call.ts";
import { cutBytes, type Message, render } from "./message.ts";
import { withoutSecrets } from "./secret-file.ts";

/** One message on its way. */
export interface Posting {
  /** Id of the delivery: the same at each try, so that a receiver can know one that came twice. */
  readonly id: string;
  readonly message: Message;
  /** Who is told: one, or all who are mentioned in a chat group. */
  readonly contacts: readonly NotifyContact[];
  /** When the delivery was made, Unix ms. */
  readonly createdAt: number;
}

/** What the channels work with. */
export interface ChannelsDeps {
  readonly egress: Egress;
  readonly clock: Clock;
  readonly timeZone: string;
}

type Secrets = Readonly<Record<string, string>>;

/** Can the contact be reached by this channel? Chat groups and webhooks have no recipient of their own. */
export function reaches(channel: NotifyChannel, contact: NotifyContact): boolean {
  switch (channel.type) {
    case "email":
      return contact.email !== undefined;
    case "sms":
      return contact.phone !== undefined;
    case "webhook":
    case "chat":
      return true;
    default:
      return channel satisfies never;
  }
}

/** Is the channel itself the recipient? */
export function isShared({ type }: NotifyChannel): boolean {
  return type === "webhook" || type === "chat";
}

/** Hands messages over to the world outside. */
export class Channels {
  readonly #deps: ChannelsDeps;
  readonly #http: HttpSender;

  constructor(deps: ChannelsDeps) {
    this.#deps = deps;
    this.#http = new HttpSender(deps.egress, deps.clock);
  }

  /**
   * Sends one message; resolves when the receiver has taken it.
   * @throws DeliveryError, whose text holds none of the secrets
   */
  async send(channel: NotifyChannel, secrets: Secrets, posting: Posting): Promise<void> {
    try {
      await this.#send(channel, secrets, posting);
    } catch (error) {
      if (!(error instanceof DeliveryError))
        throw new DeliveryError("NOTIFY_FAILED", `${channel.type}: ${errorCode(error)}`, { retriable: true });
      throw new DeliveryError(error.code, withoutSecrets(error.message, secrets).slice(0, 500), {
        retriable: error.retriable,
      });
    }
  }

  async #send(channel: NotifyChannel, secrets: Secrets, posting: Posting): Promise<void> {
    const { timeZone } = this.#deps;
    const { message, contacts, id } = posting;
    const [contact] = contacts;
    switch (channel.type) {
      case "email":
        return await sendMail(this.#deps, channel, secrets["password"], {
          id,
          to: contact?.email ?? "",
          urgent: message.alarms.some(({ priority }) => priority === "urgent"),
          ...render(message, contact?.language ?? "zh-CN", timeZone),
        });
      case "webhook":
        await this.#http.send(this.#webhook(channel, secrets, posting));
        return;
      case "chat":
        return await this.#chat(channel, secrets, posting);
      case "sms":
        return await this.#sms(channel, secrets, posting);
      default:
        return channel satisfies never;
    }
  }

  #webhook(channel: WebhookChannel, secrets: Secrets, { id, message, createdAt }: Posting): HttpCall {
    const { clock, timeZone } = this.#deps;
    const body = JSON.stringify({
      v: 1,
      id,
      transition: message.transition,
      step: message.step,
      createdAt: new Date(createdAt).toISOString(),
      ...render(message, channel.language, timeZone),
      total: message.total,
      alarms: message.alarms.map(({ raisedAt, at, ...alarm }) => ({
        ...alarm,
        raisedAt: new Date(raisedAt).toISOString(),
        at: new Date(at).toISOString(),
      })),
    });
    const timestamp = String(Math.floor(clock.now() / 1000));
    const { signingKey } = secrets;
    if (signingKey === undefined)
      throw new DeliveryError(
        "NOTIFY_SECRET_MISSING",
        "the webhook has no signing key: unsigned messages are not sent",
      );
    const signature = createHmac("sha256", signingKey).update(`${timestamp}.${body}`).digest("hex");
    return {
      method: "POST",
      url: withSecret(channel.url, secrets, encodeURIComponent),
      headers: {
        ...headersOf(channel.headers, secrets),
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Parkhub",
        "idempotency-key": id,
        "x-parkhub-delivery": id,
        "x-parkhub-timestamp": timestamp,
        "x-parkhub-signature": `v1=${signature}`,
      },
      body,
    };
  }

  async #chat(channel: ChatChannel, secrets: Secrets, { message, contacts }: Posting): Promise<void> {
    const { clock, timeZone } = this.#deps;
    const flavour = CHAT_FLAVOURS[channel.flavour];
    const { url } = secrets;
    if (url === undefined) throw new DeliveryError("NOTIFY_SECRET_MISSING", "the chat's robot has no address");
    const mentions = contacts.flatMap(({ chatIds }) => chatIds?.[flavour.ids] ?? []);
    const { title, text } = render(message, channel.language, timeZone);
    const mentioned = mentions.map((id) => flavour.mention?.(id) ?? "").join(" ");
    // The title, its marks and the mentions need room too.
    const room = flavour.longest - Buffer.byteLength(title) - Buffer.byteLength(mentioned) - 64;
    const words = {
      title: harmless(cutBytes(title, 300)),
      text: `${harmless(cutBytes(text, Math.max(100, room)))}${mentioned === "" ? "" : `\n${mentioned}`}`,
      mentions,
    };
    const body = filled(flavour.body, words) as object;
    const target = URL.parse(url);
    if (target === null) throw new DeliveryError("NOTIFY_URL_INVALID", "the address of the chat's robot is no URL");
    const { signingKey } = secrets;
    const signed = signingKey === undefined || flavour.sign !== "body" ? {} : feishuSign(signingKey, clock.now());
    if (signingKey !== undefined && flavour.sign === "query")
      for (const [name, value] of Object.entries(dingtalkSign(signingKey, clock.now())))
        target.searchParams.set(name, value);
    const answer = await this.#http.send({
      method: "POST",
      url: target.href,
      headers: { "content-type": "application/json; charset=utf-8" },
      body: JSON.stringify({ ...signed, ...body }),
    });
    requireTaken(answer, flavour.okField);
  }

  async #sms(channel: SmsChannel, secrets: Secrets, { id, message, contacts }: Posting): Promise<void> {
    const { timeZone } = this.#deps;
    const [contact] = contacts;
    const language: NotifyLanguage = contact?.language ?? "zh-CN";
    const { title, text } = render(message, language, timeZone);
    const words = message.total === 1 ? text.replaceAll("\n", " ") : title;
    const values = {
      id,
      phone: contact?.phone?.replace(/[ -]/g, "") ?? "",
      text: cutCharacters(words, channel.maxCharacters),
      secret: secrets["secret"] ?? "",
    };
    const escaped = ESCAPES[channel.contentType];
    const answer = await this.#http.send({
      method: channel.method,
      url: replaced(channel.url, values, encodeURIComponent),
      headers: {
        ...headersOf(channel.headers, secrets),
        ...(channel.method === "GET" ? {} : { "content-type": `${channel.contentType}; charset=utf-8` }),
      },
      ...(channel.method === "GET" ? {} : { body: replaced(channel.body ?? "", values, escaped) }),
    });
    if (channel.okPattern !== undefined && !answer.includes(channel.okPattern))
      throw new DeliveryError("NOTIFY_REFUSED", `the gateway answered ${shown(answer)}`, { retriable: true });
  }
}

type Escape = (value: string) => string;
const ESCAPES: Readonly<Record<SmsChannel["contentType"], Escape>> = {
  "application/json": (value) => JSON.stringify(value).slice(1, -1),
  "application/x-www-form-urlencoded": encodeURIComponent,
  "text/plain": (value) => value,
};

function replaced(template: string, values: Readonly<Record<string, string>>, escaped: Escape): string {
  return template.replace(/\{\{(\w+)\}\}/g, (all, name: string) => {
    const value = values[name];
    return value === undefined ? all : escaped(value);
  });
}

function withSecret(template: string, { secret = "" }: Secrets, escaped: Escape): string {
  return replaced(template, { secret }, escaped);
}

function headersOf(headers: Readonly<Record<string, string>> | undefined, secrets: Secrets): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [
      name.toLowerCase(),
      withSecret(value, secrets, (secret) => secret.replace(/[^\x20-\x7e]/g, "")),
    ]),
  );
}

/** By characters, not by halves of them. */
function cutCharacters(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}

/** A few words of an answer, for the ledger. */
function shown(answer: string): string {
  return JSON.stringify(answer.replace(/\p{Cc}+/gu, " ").slice(0, 200));
}

function requireTaken(answer: string, field: string): void {
  let code: unknown;
  try {
    code = (JSON.parse(answer) as Record<string, unknown> | null)?.[field];
  } catch {
    // No JSON: told below with what came instead.
  }
  if (code !== 0) throw new DeliveryError("NOTIFY_REFUSED", `the chat answered ${shown(answer)}`, { retriable: true });
}
