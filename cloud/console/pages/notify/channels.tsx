import { Button, Form, Input, InputNumber, Select } from "antd";
import { useTranslation } from "react-i18next";
import { CHANNEL_SECRETS, type NotifyChannel } from "#core/contracts/notify-channel.ts";
import type { KeptView } from "../../api/notify-api.ts";
import { ChannelTest } from "./channel-test.tsx";
import { Editor } from "./editor.tsx";
import type { PaneProps } from "./notify-data.ts";
import { ObjectTable } from "./object-table.tsx";

type Type = NotifyChannel["type"];
const TYPES: readonly Type[] = ["email", "chat", "sms", "webhook"];
const NEW: NotifyChannel = {
  type: "email",
  name: "",
  host: "",
  port: 587,
  security: "starttls",
  from: "",
};
/** What a new one of each type begins with. */
const DEFAULTS: Readonly<Record<Type, Readonly<Record<string, unknown>>>> = {
  email: { port: 587, security: "starttls" },
  webhook: { language: "zh-CN" },
  chat: { flavour: "wecomMarkdown", language: "zh-CN" },
  sms: { method: "POST", contentType: "application/json", maxCharacters: 70 },
};

/** Ways to reach people, each with a test. */
export function Channels({ data, onChanged }: PaneProps) {
  const { t } = useTranslation();
  return (
    <ObjectTable
      kind="channels"
      items={data.channels}
      nameOf={({ document }) => document.name}
      columns={[
        { title: t("notify.type"), cell: ({ document }) => t(`notify.types.${document.type}`) },
        { title: t("notify.target"), cell: ({ document }) => <Target channel={document} /> },
        {
          title: t("notify.secrets"),
          cell: ({ secretsSet = [] }) => secretsSet.map((one) => t(`notify.secret.${one as "url"}`)).join(", "),
        },
        { title: t("notify.test"), cell: (kept) => <ChannelTest kept={kept} contacts={data.contacts} /> },
      ]}
      editor={(kept, close) => (
        <Editor kind="channels" kept={kept} initial={NEW} onClose={close} onChanged={onChanged}>
          <Fields kept={kept} />
        </Editor>
      )}
    />
  );
}

function Target({ channel }: { readonly channel: NotifyChannel }) {
  const { t } = useTranslation();
  switch (channel.type) {
    case "email":
      return <code>{`${channel.host}:${channel.port}`}</code>;
    case "chat":
      return t(`notify.flavours.${channel.flavour}`);
    case "webhook":
    case "sms":
      return <code>{channel.url}</code>;
    default:
      return channel satisfies never;
  }
}

function Fields({ kept }: { readonly kept: KeptView<"channels"> | undefined }) {
  const { t } = useTranslation();
  const form = Form.useFormInstance();
  const type = (Form.useWatch(["document", "type"], form) as Type | undefined) ?? kept?.document.type ?? NEW.type;
  // What belongs to another type must not be sent with this one.
  const become = (next: Type): void => {
    const name: unknown = form.getFieldValue(["document", "name"]);
    form.setFieldValue("document", { ...DEFAULTS[next], type: next, name });
  };
  return (
    <>
      <Form.Item name={["document", "type"]} label={t("notify.type")}>
        <Select
          disabled={kept !== undefined}
          onChange={become}
          options={TYPES.map((value) => ({ value, label: t(`notify.types.${value}`) }))}
        />
      </Form.Item>
      <Form.Item name={["document", "name"]} label={t("notify.name")} rules={[{ required: true }]}>
        <Input maxLength={100} />
      </Form.Item>
      {type === "email" && <EmailFields />}
      {type === "chat" && <ChatFields />}
      {type === "webhook" && <WebhookFields />}
      {type === "sms" && <SmsFields />}
      {CHANNEL_SECRETS[type].map((secret) => (
        <Form.Item
          key={secret}
          name={["secrets", secret]}
          label={t(`notify.secret.${secret}`)}
          extra={kept?.secretsSet?.includes(secret) === true ? t("notify.secretKept") : t("notify.secretHint")}
        >
          <Input.Password autoComplete="new-password" maxLength={2000} />
        </Form.Item>
      ))}
    </>
  );
}

function EmailFields() {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item name={["document", "host"]} label={t("notify.host")} rules={[{ required: true }]}>
        <Input maxLength={253} />
      </Form.Item>
      <Form.Item name={["document", "port"]} label={t("notify.port")} rules={[{ required: true }]}>
        <InputNumber min={1} max={65535} />
      </Form.Item>
      <Form.Item name={["document", "security"]} label={t("notify.security")}>
        <Select
          options={(["tls", "starttls", "none"] as const).map((value) => ({
            value,
            label: t(`notify.securities.${value}`),
          }))}
        />
      </Form.Item>
      <Form.Item name={["document", "user"]} label={t("notify.account")}>
        <Input maxLength={254} autoComplete="off" />
      </Form.Item>
      <Form.Item
        name={["document", "from"]}
        label={t("notify.from")}
        rules={[{ required: true, type: "email", message: t("notify.emailHint") }]}
      >
        <Input type="email" maxLength={254} />
      </Form.Item>
    </>
  );
}

function LanguageField() {
  const { t } = useTranslation();
  return (
    <Form.Item name={["document", "language"]} label={t("notify.language")}>
      <Select options={(["zh-CN", "en"] as const).map((value) => ({ value, label: t(`notify.languages.${value}`) }))} />
    </Form.Item>
  );
}

function UrlField() {
  const { t } = useTranslation();
  return (
    <Form.Item
      name={["document", "url"]}
      label={t("notify.url")}
      extra={t("notify.urlHint", { secretWord: "{{secret}}" })}
      rules={[{ required: true, pattern: /^https?:\/\//, message: t("notify.urlHint", { secretWord: "{{secret}}" }) }]}
    >
      <Input maxLength={1000} />
    </Form.Item>
  );
}

function ChatFields() {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item name={["document", "flavour"]} label={t("notify.flavour")}>
        <Select
          options={(["wecomMarkdown", "wecomText", "dingtalk", "feishu"] as const).map((value) => ({
            value,
            label: t(`notify.flavours.${value}`),
          }))}
        />
      </Form.Item>
      <LanguageField />
    </>
  );
}

function WebhookFields() {
  return (
    <>
      <UrlField />
      <LanguageField />
    </>
  );
}

function SmsFields() {
  const { t } = useTranslation();
  const plain = (value: string) => ({ value, label: value });
  return (
    <>
      <UrlField />
      <Form.Item name={["document", "method"]} label={t("notify.method")}>
        <Select options={["POST", "GET"].map(plain)} />
      </Form.Item>
      <Form.Item name={["document", "contentType"]} label={t("notify.contentType")}>
        <Select options={["application/json", "application/x-www-form-urlencoded", "text/plain"].map(plain)} />
      </Form.Item>
      <Form.Item
        name={["document", "body"]}
        label={t("notify.body")}
        extra={t("notify.bodyHint", { words: "{{phone}} {{text}} {{id}} {{secret}}" })}
      >
        <Input.TextArea rows={4} maxLength={4000} />
      </Form.Item>
      <Form.Item name={["document", "okPattern"]} label={t("notify.okPattern")} extra={t("notify.okPatternHint")}>
        <Input maxLength={200} />
      </Form.Item>
      <Form.Item name={["document", "maxCharacters"]} label={t("notify.maxCharacters")}>
        <InputNumber min={20} max={1000} />
      </Form.Item>
      <Headers />
    </>
  );
}

/** Headers as they are: edited through the API, shown so that nobody wonders. */
function Headers() {
  const { t } = useTranslation();
  const form = Form.useFormInstance();
  const headers = Form.useWatch(["document", "headers"], { form, preserve: true }) as
    | Record<string, string>
    | undefined;
  if (headers === undefined) return null;
  return (
    <Form.Item label={t("notify.headers")}>
      <code>{Object.keys(headers).join(", ")}</code>{" "}
      <Button size="small" onClick={() => form.setFieldValue(["document", "headers"], undefined)}>
        {t("notify.remove")}
      </Button>
    </Form.Item>
  );
}
