import { type Static, Type } from "typebox";

const closed = { additionalProperties: false } as const;
const Name = Type.String({ minLength: 1, maxLength: 100 });
const Language = Type.Enum(["zh-CN", "en"]);
const Host = Type.String({ minLength: 1, maxLength: 253, pattern: "^[A-Za-z0-9.:_\\[\\]-]+$" });
const Url = Type.String({
  minLength: 8,
  maxLength: 1000,
  pattern: "^https?://",
  description: "http:// only to addresses that the egress list names. `{{secret}}` stands for the secret.",
});
const Headers = Type.Record(
  Type.String({ pattern: "^[A-Za-z0-9-]{1,64}$" }),
  Type.String({ maxLength: 500, pattern: "^[\\x20-\\x7e]*$" }),
  { maxProperties: 20 },
);

/** Mail by SMTP. Secret: `password`. */
export const EmailChannel = Type.Object(
  {
    type: Type.Literal("email"),
    name: Name,
    host: Host,
    port: Type.Integer({ minimum: 1, maximum: 65535 }),
    security: Type.Enum(["tls", "starttls", "none"], {
      description: "`none` only to addresses that the egress list names, and never with a user.",
    }),
    user: Type.Optional(Type.String({ minLength: 1, maxLength: 254 })),
    from: Type.String({ maxLength: 254, pattern: '^[^\\s@<>,;:"]+@[^\\s@<>,;:"]+$' }),
  },
  closed,
);
export type EmailChannel = Static<typeof EmailChannel>;

/** JSON by HTTP POST, signed. Secrets: `signingKey`, and `secret` for `{{secret}}`. */
export const WebhookChannel = Type.Object(
  { type: Type.Literal("webhook"), name: Name, url: Url, language: Language, headers: Type.Optional(Headers) },
  closed,
);
export type WebhookChannel = Static<typeof WebhookChannel>;

/** A group robot of an enterprise chat. Secrets: `url` (it holds the robot's key), `signingKey` (DingTalk, Feishu). */
export const ChatChannel = Type.Object(
  {
    type: Type.Literal("chat"),
    name: Name,
    flavour: Type.Enum(["wecomText", "wecomMarkdown", "dingtalk", "feishu"]),
    language: Language,
  },
  closed,
);
export type ChatChannel = Static<typeof ChatChannel>;

/** Short messages through a gateway with an HTTP interface. Secret: `secret` for `{{secret}}`. */
export const SmsChannel = Type.Object(
  {
    type: Type.Literal("sms"),
    name: Name,
    method: Type.Enum(["GET", "POST"]),
    url: Url,
    headers: Type.Optional(Headers),
    body: Type.Optional(
      Type.String({
        maxLength: 4000,
        description:
          "`{{phone}}`, `{{text}}`, `{{id}}`, `{{secret}}`; escaped for the content type: JSON, form, or plain text.",
      }),
    ),
    contentType: Type.Enum(["application/json", "application/x-www-form-urlencoded", "text/plain"]),
    okPattern: Type.Optional(
      Type.String({
        maxLength: 200,
        description: "Text that the answer of a success holds; status 2xx alone when absent.",
      }),
    ),
    maxCharacters: Type.Integer({ minimum: 20, maximum: 1000, description: "Longer texts are cut." }),
  },
  closed,
);
export type SmsChannel = Static<typeof SmsChannel>;

/** A way to reach somebody. */
export const NotifyChannel = Type.Union([EmailChannel, WebhookChannel, ChatChannel, SmsChannel]);
export type NotifyChannel = Static<typeof NotifyChannel>;

/** Names of the secrets of each type of channel. */
export const CHANNEL_SECRETS = {
  email: ["password"],
  webhook: ["signingKey", "secret"],
  chat: ["url", "signingKey"],
  sms: ["secret"],
} as const satisfies Record<NotifyChannel["type"], readonly string[]>;

/** Secrets as they are written, never read: absent stays as it is, empty removes. */
export const ChannelSecrets = Type.Record(
  Type.String({ pattern: "^(password|signingKey|secret|url)$" }),
  Type.String({ maxLength: 2000 }),
  { maxProperties: 4 },
);
export type ChannelSecrets = Static<typeof ChannelSecrets>;
