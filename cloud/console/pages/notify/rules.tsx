import { Form, Input, InputNumber, Select, Switch } from "antd";
import { useTranslation } from "react-i18next";
import { NotifyOn, type NotifyRule, type NotifyTarget } from "#core/contracts/notify.ts";
import { AlarmCategory, AlarmPriority, Law } from "#core/model/alarm.ts";
import { named } from "../../i18n/language.ts";
import { useNames } from "../../ui/use-names.ts";
import { Editor } from "./editor.tsx";
import { choices, groupsOf, type NotifyData, type PaneProps, targetKey, targetOf } from "./notify-data.ts";
import { ObjectTable } from "./object-table.tsx";
import { DAYS, Entries, WeeklyFields } from "./time-fields.tsx";

/** What tells of which alarms, in steps until somebody acknowledges. */
export function Rules({ data, onChanged }: PaneProps) {
  const { t } = useTranslation();
  const { language } = useNames();
  const positionName = (id: string): string => {
    const position = data.positions.find((one) => one.id === id);
    return position === undefined ? id : named(position.document, language);
  };
  const initial: NotifyRule = {
    name: "",
    position: data.positions[0]?.id ?? "",
    enabled: true,
    on: ["raised", "escalated"],
    laws: [],
    categories: [],
    priorities: [],
    steps: [],
    quietHours: [],
    groupSeconds: 60,
    tooLateMinutes: 60,
    stopWhenCleared: true,
  };
  return (
    <ObjectTable
      kind="rules"
      items={data.rules}
      nameOf={({ document }) => document.name}
      columns={[
        { title: t("notify.position"), cell: ({ document }) => positionName(document.position) },
        {
          title: t("notify.on"),
          cell: ({ document }) => document.on.map((one) => t(`notify.ons.${one}`)).join(t("common.listSeparator")),
        },
        {
          title: t("notify.steps"),
          cell: ({ document }) => document.steps.map(({ afterMinutes }) => `${afterMinutes} min`).join(" → "),
        },
        {
          title: t("notify.state"),
          cell: ({ document }) => <span className="tag">{t(document.enabled ? "rule.enabled" : "rule.disabled")}</span>,
        },
      ]}
      editor={(kept, close) => (
        <Editor kind="rules" kept={kept} initial={initial} onClose={close} onChanged={onChanged}>
          <About data={data} positionName={positionName} />
          <Steps data={data} positionName={positionName} />
          <Entries
            name={["document", "quietHours"]}
            title={t("notify.quietHours")}
            add={t("notify.addQuietHours")}
            fresh={{ days: [...DAYS], from: "22:00", to: "07:00" }}
            fields={(index) => <WeeklyFields at={[index]} />}
          />
          <p className="soft">{t("notify.quietHint")}</p>
          <Form.Item name={["document", "groupSeconds"]} label={t("notify.groupSeconds")} extra={t("notify.groupHint")}>
            <InputNumber min={0} max={3600} />
          </Form.Item>
          <Form.Item name={["document", "tooLateMinutes"]} label={t("notify.tooLate")} extra={t("notify.tooLateHint")}>
            <InputNumber min={1} max={10_080} />
          </Form.Item>
          <Form.Item name={["document", "stopWhenCleared"]} label={t("notify.stopWhenCleared")} valuePropName="checked">
            <Switch />
          </Form.Item>
        </Editor>
      )}
    />
  );
}

interface PartProps {
  readonly data: NotifyData;
  readonly positionName: (id: string) => string;
}

function About({ data, positionName }: PartProps) {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item name={["document", "name"]} label={t("notify.name")} rules={[{ required: true }]}>
        <Input maxLength={100} />
      </Form.Item>
      <Form.Item name={["document", "enabled"]} label={t("notify.enabled")} valuePropName="checked">
        <Switch />
      </Form.Item>
      <Form.Item name={["document", "position"]} label={t("notify.position")} rules={[{ required: true }]}>
        <Select options={data.positions.map(({ id }) => ({ value: id, label: positionName(id) }))} />
      </Form.Item>
      <Form.Item name={["document", "on"]} label={t("notify.on")} rules={[{ required: true }]}>
        <Select mode="multiple" options={NotifyOn.enum.map((value) => ({ value, label: t(`notify.ons.${value}`) }))} />
      </Form.Item>
      <Form.Item name={["document", "laws"]} label={t("notify.laws")} extra={t("notify.noneIsAll")}>
        <Select mode="multiple" options={Law.enum.map((value) => ({ value, label: t(`alarm.law.${value}`) }))} />
      </Form.Item>
      <Form.Item name={["document", "categories"]} label={t("notify.categories")} extra={t("notify.noneIsAll")}>
        <Select
          mode="multiple"
          optionFilterProp="label"
          options={AlarmCategory.enum.map((value) => ({ value, label: t(`alarm.category.${value}`) }))}
        />
      </Form.Item>
      <Form.Item name={["document", "priorities"]} label={t("notify.priorities")} extra={t("notify.noneIsAll")}>
        <Select
          mode="multiple"
          options={AlarmPriority.enum.map((value) => ({ value, label: t(`alarm.priority.${value}`) }))}
        />
      </Form.Item>
    </>
  );
}

/** The steps: after how long who is told by what. */
function Steps({ data, positionName }: PartProps) {
  const { t } = useTranslation();
  const targets = [
    ...data.positions.map(({ id }) => ({
      value: `onCall:${id}`,
      label: t("notify.targetOnCall", { name: positionName(id) }),
    })),
    ...choices(data.contacts).map(({ value, label }) => ({ value: `contact:${value}`, label })),
    ...groupsOf(data).map((group) => ({ value: `group:${group}`, label: t("notify.targetGroup", { name: group }) })),
  ];
  return (
    <Entries
      name={["document", "steps"]}
      title={t("notify.steps")}
      add={t("notify.addStep")}
      fresh={{ afterMinutes: 0, to: [], channels: [] }}
      fields={(index) => (
        <>
          <Form.Item name={[index, "afterMinutes"]} label={t("notify.afterMinutes")} rules={[{ required: true }]}>
            <InputNumber min={0} max={1440} />
          </Form.Item>
          <Form.Item
            name={[index, "to"]}
            label={t("notify.people")}
            className="notify-wide"
            getValueProps={(value: readonly NotifyTarget[] | undefined) => ({ value: (value ?? []).map(targetKey) })}
            getValueFromEvent={(keys: readonly string[]) => keys.map(targetOf)}
          >
            <Select mode="multiple" optionFilterProp="label" options={targets} />
          </Form.Item>
          <Form.Item
            name={[index, "channels"]}
            label={t("notify.channelChain")}
            className="notify-wide"
            rules={[{ required: true, message: t("notify.needed") }]}
          >
            <Select mode="multiple" optionFilterProp="label" options={choices(data.channels)} />
          </Form.Item>
        </>
      )}
    />
  );
}
