import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { NotifyTestResult } from "#core/contracts/notify.ts";
import { errorText } from "../../api/error-text.ts";
import type { KeptView } from "../../api/notify-api.ts";
import { useServices } from "../../services-context.ts";

interface Props {
  readonly kept: KeptView<"channels">;
  readonly contacts: readonly KeptView<"contacts">[];
}

/** Sends a test message and says how it went. */
export function ChannelTest({ kept, contacts }: Props) {
  const { t } = useTranslation();
  const { api } = useServices();
  const { type } = kept.document;
  const reachable = contacts.filter(({ document }) =>
    type === "email" ? document.email !== undefined : type === "sms" && document.phone !== undefined,
  );
  const personal = type === "email" || type === "sms";
  const [contact, setContact] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<NotifyTestResult | { readonly failure: unknown }>();
  const chosen = personal ? (contact ?? reachable[0]?.id) : undefined;
  const send = async (): Promise<void> => {
    setBusy(true);
    setResult(undefined);
    try {
      setResult(await api.notify.test(kept.id, chosen));
    } catch (failure) {
      setResult({ failure });
    }
    setBusy(false);
  };
  return (
    <span className="notify-test">
      {personal && (
        <select
          className="text-input"
          aria-label={t("notify.testTo")}
          value={chosen ?? ""}
          onChange={({ target }) => setContact(target.value)}
        >
          {reachable.map(({ id, document }) => (
            <option key={id} value={id}>
              {document.name}
            </option>
          ))}
        </select>
      )}
      <Button
        size="small"
        loading={busy}
        disabled={personal && chosen === undefined}
        data-testid={`notify-test-${kept.id}`}
        onClick={() => void send()}
      >
        {t("notify.test")}
      </Button>
      <span role="status">{result !== undefined && <Outcome result={result} />}</span>
    </span>
  );
}

function Outcome({ result }: { readonly result: NotifyTestResult | { readonly failure: unknown } }) {
  const { t } = useTranslation();
  if ("failure" in result) return <span className="tag tag-bad">{errorText(result.failure, t)}</span>;
  if (result.sent) return <span className="tag">{t("notify.statuses.sent")}</span>;
  return (
    <span className="tag tag-bad notify-reason" title={result.reason}>
      {result.reason}
    </span>
  );
}
