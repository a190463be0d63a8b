import { Form, Input, Select } from "antd";
import { useTranslation } from "react-i18next";
import type { NotifyContact } from "#core/contracts/notify.ts";
import { Editor } from "./editor.tsx";
import { groupsOf, type PaneProps } from "./notify-data.ts";
import { ObjectTable } from "./object-table.tsx";

const NEW: NotifyContact = { name: "", language: "zh-CN", groups: [] };

/** People who can be told, and by what. */
export function Contacts({ data, onChanged }: PaneProps) {
  const { t } = useTranslation();
  return (
    <ObjectTable
      kind="contacts"
      items={data.contacts}
      nameOf={({ document }) => document.name}
      columns={[
        { title: t("notify.email"), cell: ({ document }) => document.email },
        { title: t("notify.phone"), cell: ({ document }) => document.phone },
        { title: t("notify.language"), cell: ({ document }) => t(`notify.languages.${document.language}`) },
        { title: t("notify.groups"), cell: ({ document }) => document.groups.join(t("common.listSeparator")) },
        { title: t("notify.user"), cell: ({ document }) => document.user },
      ]}
      editor={(kept, close) => (
        <Editor kind="contacts" kept={kept} initial={NEW} onClose={close} onChanged={onChanged}>
          <Form.Item name={["document", "name"]} label={t("notify.name")} rules={[{ required: true }]}>
            <Input maxLength={100} />
          </Form.Item>
          <Form.Item name={["document", "language"]} label={t("notify.language")}>
            <Select
              options={(["zh-CN", "en"] as const).map((value) => ({ value, label: t(`notify.languages.${value}`) }))}
            />
          </Form.Item>
          <Form.Item
            name={["document", "email"]}
            label={t("notify.email")}
            rules={[{ type: "email", message: t("notify.emailHint") }]}
          >
            <Input type="email" maxLength={254} />
          </Form.Item>
          <Form.Item
            name={["document", "phone"]}
            label={t("notify.phone")}
            rules={[{ pattern: /^\+?[0-9][0-9 -]{2,30}$/, message: t("notify.phoneHint") }]}
          >
            <Input type="tel" maxLength={32} />
          </Form.Item>
          <Form.Item name={["document", "user"]} label={t("notify.user")} extra={t("notify.userHint")}>
            <Input maxLength={64} />
          </Form.Item>
          <Form.Item name={["document", "groups"]} label={t("notify.groups")} extra={t("notify.groupsHint")}>
            <Select mode="tags" options={groupsOf(data).map((value) => ({ value, label: value }))} />
          </Form.Item>
          {(["wecom", "dingtalk", "feishu"] as const).map((chat) => (
            <Form.Item
              key={chat}
              name={["document", "chatIds", chat]}
              label={t("notify.chatId", { chat: t(`notify.chats.${chat}`) })}
            >
              <Input maxLength={100} />
            </Form.Item>
          ))}
        </Editor>
      )}
    />
  );
}
