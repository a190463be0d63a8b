import { Form, Input, Select } from "antd";
import { useTranslation } from "react-i18next";
import type { NotifyPosition } from "#core/contracts/notify.ts";
import { AlarmCategory } from "#core/model/alarm.ts";
import { spacesInOrder } from "../../api/space-tree.ts";
import { named } from "../../i18n/language.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { useNames } from "../../ui/use-names.ts";
import { Editor } from "./editor.tsx";
import { EscalationFields } from "./escalation-fields.tsx";
import { escalationText } from "./escalation-text.ts";
import type { PaneProps } from "./notify-data.ts";
import { ObjectTable } from "./object-table.tsx";

const NEW: NotifyPosition = { name: "", nameEn: "", areas: [], categories: [] };

/** Operator positions: who looks after what, and who is on call there now. */
export function Positions({ data, onChanged }: PaneProps) {
  const { t } = useTranslation();
  const { language, place } = useNames();
  const { site } = useServices();
  const { spaces } = useCell(site.names);
  const list = (items: readonly string[]): string => items.join(t("common.listSeparator"));
  const onCall = (id: string): string =>
    list(data.onCall.find(({ position }) => position === id)?.contacts.map(({ name }) => name) ?? []);
  return (
    <ObjectTable
      kind="positions"
      items={data.positions}
      nameOf={({ document }) => named(document, language)}
      columns={[
        {
          title: t("notify.areas"),
          cell: ({ document }) =>
            document.areas.length === 0 ? t("notify.wholeSite") : list(document.areas.map(place)),
        },
        {
          title: t("notify.categories"),
          cell: ({ document }) =>
            document.categories.length === 0
              ? t("common.all")
              : list(document.categories.map((one) => t(`alarm.category.${one}`))),
        },
        {
          title: t("notify.escalateAfter"),
          cell: ({ document }) => escalationText(document.escalateMinutes, t) || t("notify.asTheHub"),
        },
        {
          title: t("notify.onCallNow"),
          cell: ({ id }) => onCall(id) || <span className="tag">{t("common.none")}</span>,
        },
      ]}
      editor={(kept, close) => (
        <Editor kind="positions" kept={kept} initial={NEW} onClose={close} onChanged={onChanged}>
          <Form.Item name={["document", "name"]} label={t("notify.nameZh")} rules={[{ required: true }]}>
            <Input maxLength={100} />
          </Form.Item>
          <Form.Item name={["document", "nameEn"]} label={t("notify.nameEn")} rules={[{ required: true }]}>
            <Input maxLength={100} />
          </Form.Item>
          <Form.Item name={["document", "areas"]} label={t("notify.areas")} extra={t("notify.areasHint")}>
            <Select
              mode="multiple"
              optionFilterProp="label"
              options={spacesInOrder(spaces).map(({ space }) => ({
                value: space.id,
                label: place(space.id),
              }))}
            />
          </Form.Item>
          <Form.Item name={["document", "categories"]} label={t("notify.categories")} extra={t("notify.noneIsAll")}>
            <Select
              mode="multiple"
              optionFilterProp="label"
              options={AlarmCategory.enum.map((value) => ({ value, label: t(`alarm.category.${value}`) }))}
            />
          </Form.Item>
          <EscalationFields />
        </Editor>
      )}
    />
  );
}
