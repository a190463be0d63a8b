import { Button, Form, Input, Select } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../../ui/icon.tsx";
import { weekday } from "./weekday.ts";

/** ISO weekdays. */
export const DAYS = [1, 2, 3, 4, 5, 6, 7] as const;

type Name = readonly (string | number)[];

/** Days of the week and a time of day from and to, below the field `at`. */
export function WeeklyFields({ at }: { readonly at: Name }) {
  const { t } = useTranslation();
  const required = [{ required: true, message: t("notify.needed") }];
  return (
    <>
      <Form.Item name={[...at, "days"]} label={t("notify.days")} rules={required} className="notify-wide">
        <Select
          mode="multiple"
          options={DAYS.map((value) => ({ value, label: t(`notify.weekday.${weekday(value)}`) }))}
        />
      </Form.Item>
      <Form.Item name={[...at, "from"]} label={t("notify.from_")} rules={required}>
        <Input type="time" />
      </Form.Item>
      <Form.Item name={[...at, "to"]} label={t("notify.to_")} rules={required}>
        <Input type="time" />
      </Form.Item>
    </>
  );
}

/** Entries of a list in a form, each with its fields; entries can be added and taken away. */
export function Entries(props: {
  readonly name: Name;
  readonly title: string;
  readonly add: string;
  readonly fresh: object;
  /** The fields of the entry with this number. */
  readonly fields: (index: number) => ReactNode;
}) {
  const { name, title, add, fresh, fields } = props;
  const { t } = useTranslation();
  return (
    <Form.List name={[...name]}>
      {(entries, { add: addEntry, remove }) => (
        <fieldset className="notify-entries">
          <legend>{title}</legend>
          {entries.map(({ key, name: index }) => (
            <div key={key} className="notify-entry">
              <div className="notify-entry-fields">{fields(index)}</div>
              <Button
                aria-label={`${t("notify.remove")}: ${title} ${index + 1}`}
                icon={<Icon name="close" />}
                onClick={() => remove(index)}
              />
            </div>
          ))}
          <Button icon={<Icon name="plus" />} onClick={() => addEntry(fresh)}>
            {add}
          </Button>
        </fieldset>
      )}
    </Form.List>
  );
}
