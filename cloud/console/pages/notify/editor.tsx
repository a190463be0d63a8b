import { Button, Drawer, Form, Input } from "antd";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { NotifyKind, NotifyObjects } from "#core/contracts/notify.ts";
import { ID_PART } from "#core/ids.ts";
import { ApiError } from "../../api/client.ts";
import { errorText } from "../../api/error-text.ts";
import type { KeptView } from "../../api/notify-api.ts";
import { useServices } from "../../services-context.ts";
import { ConfirmDialog } from "../../ui/confirm-dialog.tsx";
import { useNames } from "../../ui/use-names.ts";
import { withoutEmpty } from "./notify-data.ts";
import { versionName } from "./version-changes.ts";

interface Props<K extends NotifyKind> {
  readonly kind: K;
  /** What is changed; absent: a new one. */
  readonly kept: KeptView<K> | undefined;
  /** Id that a new one gets; absent: it is asked for. */
  readonly id?: string;
  readonly initial: NotifyObjects[K];
  readonly children: ReactNode;
  readonly onClose: () => void;
  readonly onChanged: () => void;
}

interface Values {
  readonly id?: string;
  readonly why?: string;
  readonly document: unknown;
  readonly secrets?: Readonly<Record<string, string>>;
}

/** A drawer with the form of one object. The fields are below `document`, secrets below `secrets`. */
export function Editor<K extends NotifyKind>(props: Props<K>) {
  const { kind, kept, initial, children, onClose, onChanged } = props;
  const { t } = useTranslation();
  const { api } = useServices();
  const { language } = useNames();
  const [form] = Form.useForm<Values>();
  const [failure, setFailure] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [removing, setRemoving] = useState(false);
  const known = kept?.id ?? props.id;
  // Names the form for its button, which lies outside: so Enter in any field saves.
  const formId = `notify-${kind}`;
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      await work();
      onChanged();
      onClose();
    } catch (error) {
      setFailure(error);
    }
    setBusy(false);
  };
  const save = ({ id, why, document, secrets }: Values): Promise<void> =>
    attempt(() =>
      api.notify.put(kind, known ?? id ?? "", {
        version: kept?.version ?? 0,
        document: withoutEmpty(document) as NotifyObjects[K],
        ...(why ? { why } : {}),
        ...(secrets === undefined ? {} : { secrets: withoutEmpty(secrets) as Record<string, string> }),
      }),
    );
  return (
    <Drawer
      open
      size={620}
      title={kept === undefined ? t("notify.new") : known}
      onClose={onClose}
      afterOpenChange={(open) => {
        if (open && known === undefined) form.focusField("id");
      }}
      footer={
        <div className="notify-foot">
          <Button type="primary" htmlType="submit" form={formId} loading={busy} data-testid="notify-save">
            {t("notify.save")}
          </Button>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          {kept !== undefined && (
            <Button danger disabled={busy} data-testid="notify-remove" onClick={() => setRemoving(true)}>
              {t("notify.remove")}
            </Button>
          )}
        </div>
      }
    >
      <Form<Values>
        form={form}
        layout="vertical"
        name={formId}
        initialValues={{ document: kept?.document ?? initial }}
        // With what no field shows: it must not be lost by being looked at.
        onFinish={(values) => void save({ ...values, document: form.getFieldsValue(true).document })}
        scrollToFirstError
      >
        {known === undefined && (
          <Form.Item
            name="id"
            label={t("notify.id")}
            extra={t("notify.idHint")}
            rules={[{ required: true, pattern: ID_PART, message: t("notify.idHint") }]}
          >
            <Input maxLength={64} data-testid="notify-id" />
          </Form.Item>
        )}
        {children}
        <Form.Item name="why" label={t("notify.why")}>
          <Input maxLength={500} />
        </Form.Item>
        {removing && kept !== undefined && (
          <ConfirmDialog
            name="notify-remove"
            title={t("notify.removeTitle", { name: versionName(kept, undefined, language) })}
            confirmText={t("notify.remove")}
            reasonLabel={t("notify.why")}
            danger
            onCancel={() => setRemoving(false)}
            onConfirm={(why) => {
              setRemoving(false);
              void attempt(() => api.notify.remove(kind, kept.id, kept.version, why));
            }}
          >
            <p>{t("notify.removeText")}</p>
          </ConfirmDialog>
        )}
        {failure !== undefined && (
          <div className="form-error" role="alert">
            <span>
              {errorText(failure, t)}
              {failure instanceof ApiError && <small className="notify-detail">{failure.message}</small>}
            </span>
          </div>
        )}
      </Form>
    </Drawer>
  );
}
