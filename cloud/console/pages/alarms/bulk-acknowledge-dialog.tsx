import { Modal } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AlarmView } from "#core/contracts/http.ts";
import { PRIORITIES } from "../../live/alarm-order.ts";
import { PriorityMark } from "../../ui/priority-mark.tsx";
import type { AlarmActs } from "./use-alarm-acts.ts";

interface Props {
  readonly alarms: readonly AlarmView[];
  readonly acts: AlarmActs;
  readonly onClose: (done: boolean) => void;
}

const CONFIRM_TEST_ID = { "data-testid": "bulk-confirm" };

/** Says how many of each priority will be acknowledged. Urgent ones are not acknowledged in bulk without a word. */
export function BulkAcknowledgeDialog({ alarms, acts, onClose }: Props) {
  const { t } = useTranslation();
  const [comment, setComment] = useState("");
  const [busy, setBusy] = useState(false);
  const urgent = alarms.some(({ priority }) => priority === "urgent");
  const submit = async (): Promise<void> => {
    setBusy(true);
    await acts.acknowledgeMany(alarms, comment.trim() === "" ? undefined : comment.trim());
    onClose(true);
  };
  return (
    <Modal
      open
      title={t("alarm.bulk.title", { count: alarms.length })}
      okText={t("alarm.acknowledge")}
      cancelText={t("common.cancel")}
      okButtonProps={{ disabled: urgent && comment.trim() === "", ...CONFIRM_TEST_ID }}
      confirmLoading={busy}
      onOk={() => void submit()}
      onCancel={() => onClose(false)}
      afterOpenChange={(open) => {
        if (open) document.getElementById("bulk-comment")?.focus();
      }}
    >
      <p>{t("alarm.bulk.text")}</p>
      <ul className="bulk-counts">
        {PRIORITIES.map((priority) => {
          const count = alarms.filter((alarm) => alarm.priority === priority).length;
          return count === 0 ? null : (
            <li key={priority}>
              <PriorityMark priority={priority} /> × {count}
            </li>
          );
        })}
      </ul>
      <label htmlFor="bulk-comment">{t(urgent ? "alarm.bulk.commentUrgent" : "alarm.bulk.comment")}</label>
      <textarea
        id="bulk-comment"
        className="text-input"
        data-testid="bulk-comment"
        rows={3}
        maxLength={500}
        value={comment}
        onChange={({ target }) => setComment(target.value)}
      />
    </Modal>
  );
}
