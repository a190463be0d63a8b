import { Button, Form, Input, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { systemClock } from "#core/clock.ts";
import type { NotifyRota } from "#core/contracts/notify.ts";
import type { KeptView } from "../../api/notify-api.ts";
import { shortTime } from "../../i18n/format.ts";
import { named } from "../../i18n/language.ts";
import { useNames } from "../../ui/use-names.ts";
import { Editor } from "./editor.tsx";
import { choices, type PaneProps } from "./notify-data.ts";
import { DAYS, Entries, WeeklyFields } from "./time-fields.tsx";
import { weekday } from "./weekday.ts";

const NEW: NotifyRota = { slots: [], overrides: [], otherwise: [] };
const DAY_MINUTES = 1440;

/** Who is on call at each position, as a week, with dates that differ. */
export function Rotas({ data, onChanged }: PaneProps) {
  const { t } = useTranslation();
  const { language } = useNames();
  const [open, setOpen] = useState<string>();
  const names = new Map(data.contacts.map(({ id, document }) => [id, document.name]));
  const nameOf = (contacts: readonly string[]): string =>
    contacts.map((id) => names.get(id) ?? id).join(t("common.listSeparator")) || t("common.none");
  return (
    <>
      <p className="soft notify-head">{t("notify.hint.rotas")}</p>
      <div className="notify-scroll">
        {data.positions.map(({ id, document }) => {
          const rota = data.rotas.find((one) => one.id === id);
          const now = data.onCall.find(({ position }) => position === id);
          return (
            <section key={id} className="rota" aria-label={named(document, language)}>
              <header>
                <h2>{named(document, language)}</h2>
                <span>
                  {t("notify.onCallNow")}:{" "}
                  <strong>{now?.contacts.map(({ name }) => name).join(", ") || t("common.none")}</strong>
                  {now?.until !== undefined && (
                    <span className="soft">
                      {" "}
                      {t("notify.until", { time: shortTime(now.until, systemClock.now()) })}
                    </span>
                  )}
                </span>
                <Button data-testid={`rota-${id}`} onClick={() => setOpen(id)}>
                  {t("notify.edit")}
                </Button>
              </header>
              <Week rota={rota?.document ?? NEW} nameOf={nameOf} />
            </section>
          );
        })}
      </div>
      {open !== undefined && (
        <RotaEditor
          id={open}
          kept={data.rotas.find(({ id }) => id === open)}
          data={data}
          onChanged={onChanged}
          onClose={() => setOpen(undefined)}
        />
      )}
    </>
  );
}

interface Block {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

/** What lies on one day: slots that begin there, and the rest of those that began on the day before. */
function blocksOf(day: number, { slots }: NotifyRota, nameOf: (contacts: readonly string[]) => string): Block[] {
  const before = day === 1 ? 7 : day - 1;
  return slots.flatMap(({ days, from, to, contacts }) => {
    const [begin, end, text] = [minutesOf(from), minutesOf(to), nameOf(contacts)];
    const overnight = end <= begin;
    return [
      ...(days.includes(day) ? [{ from: begin, to: overnight ? DAY_MINUTES : end, text }] : []),
      ...(overnight && end > 0 && days.includes(before) ? [{ from: 0, to: end, text }] : []),
    ];
  });
}

function clock(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

/** The week as a grid: a row a day, from midnight to midnight. */
function Week({
  rota,
  nameOf,
}: {
  readonly rota: NotifyRota;
  readonly nameOf: (contacts: readonly string[]) => string;
}) {
  const { t } = useTranslation();
  return (
    <>
      <table className="rota-week">
        <tbody>
          {DAYS.map((day) => (
            <tr key={day}>
              <th scope="row">{t(`notify.weekday.${weekday(day)}`)}</th>
              <td>
                <ul className="rota-day">
                  {blocksOf(day, rota, nameOf).map(({ from, to, text }) => (
                    <li
                      key={`${from} ${to} ${text}`}
                      title={`${clock(from)}–${clock(to)} ${text}`}
                      style={{ left: `${(from / DAY_MINUTES) * 100}%`, width: `${((to - from) / DAY_MINUTES) * 100}%` }}
                    >
                      <span className="visually-hidden">{`${clock(from)}–${clock(to)} `}</span>
                      {text}
                    </li>
                  ))}
                </ul>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="soft">{t("notify.otherwiseIs", { names: nameOf(rota.otherwise) })}</p>
      {rota.overrides.map(({ from, to, contacts, reason }) => (
        <p key={`${from} ${to}`} className="soft">
          {`${from.replace("T", " ")} – ${to.replace("T", " ")}: ${nameOf(contacts)} ${reason ?? ""}`}
        </p>
      ))}
    </>
  );
}

function RotaEditor(props: {
  readonly id: string;
  readonly kept: KeptView<"rotas"> | undefined;
  readonly data: PaneProps["data"];
  readonly onChanged: () => void;
  readonly onClose: () => void;
}) {
  const { id, kept, data, onChanged, onClose } = props;
  const { t } = useTranslation();
  const contacts = choices(data.contacts);
  const people = (name: readonly (string | number)[]) => (
    <Form.Item name={[...name]} label={t("notify.people")} className="notify-wide" initialValue={[]}>
      <Select mode="multiple" optionFilterProp="label" options={contacts} />
    </Form.Item>
  );
  return (
    <Editor kind="rotas" id={id} kept={kept} initial={NEW} onClose={onClose} onChanged={onChanged}>
      <Entries
        name={["document", "slots"]}
        title={t("notify.slots")}
        add={t("notify.addSlot")}
        fresh={{ days: [...DAYS], from: "08:00", to: "20:00", contacts: [] }}
        fields={(index) => (
          <>
            <WeeklyFields at={[index]} />
            {people([index, "contacts"])}
          </>
        )}
      />
      <Entries
        name={["document", "overrides"]}
        title={t("notify.overrides")}
        add={t("notify.addOverride")}
        fresh={{ contacts: [] }}
        fields={(index) => (
          <>
            <Form.Item name={[index, "from"]} label={t("notify.from_")} rules={[{ required: true }]}>
              <Input type="datetime-local" />
            </Form.Item>
            <Form.Item name={[index, "to"]} label={t("notify.to_")} rules={[{ required: true }]}>
              <Input type="datetime-local" />
            </Form.Item>
            {people([index, "contacts"])}
            <Form.Item name={[index, "reason"]} label={t("notify.why")} className="notify-wide">
              <Input maxLength={200} />
            </Form.Item>
          </>
        )}
      />
      <Form.Item name={["document", "otherwise"]} label={t("notify.otherwise")} extra={t("notify.otherwiseHint")}>
        <Select mode="multiple" optionFilterProp="label" options={contacts} />
      </Form.Item>
    </Editor>
  );
}
