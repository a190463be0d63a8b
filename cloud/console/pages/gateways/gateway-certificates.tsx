import { Button } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { CertificateView } from "#core/contracts/gateways.ts";
import { useLoad } from "../../api/use-load.ts";
import { decisionsOn, shownThumbprint } from "../../live/certificate-state.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { CommandStatus } from "../../ui/command-status.tsx";
import { ConfirmDialog } from "../../ui/confirm-dialog.tsx";
import { ErrorState, LoadingState } from "../../ui/states.tsx";
import { useCommand } from "../../ui/use-command.ts";
import { CertificateRow } from "./certificate-row.tsx";

/** The gateway tells its certificates anew after the command's result: asked for again so long after it, ms. */
const TOLD_MS = 1500;

interface Decision {
  readonly certificate: CertificateView;
  readonly act: "trust" | "reject";
}

/** Certificates of a gateway's channels, for those who may decide about them. */
export function GatewayCertificates({ gateway }: { readonly gateway: string }) {
  const { session } = useServices();
  const state = useCell(session.state);
  return state.is === "in" && state.permissions.has("gateway.manage") ? <Certificates gateway={gateway} /> : null;
}

function Certificates({ gateway }: { readonly gateway: string }) {
  const { t } = useTranslation();
  const { api } = useServices();
  const [asked, setAsked] = useState<Decision>();
  const [last, setLast] = useState<Decision["act"]>();
  const { command, error, run } = useCommand();
  const known = useLoad(gateway, (signal) => api.certificates(gateway, signal));
  const { reload } = known;
  const ended = typeof command === "object" && command.finishedAt !== undefined ? command.id : undefined;
  useEffect(() => {
    if (ended === undefined) return undefined;
    reload();
    const timer = setTimeout(reload, TOLD_MS);
    return () => clearTimeout(timer);
  }, [ended, reload]);
  const busy = command === "submitting" || (command !== undefined && ended === undefined);
  const decide = ({ certificate, act }: Decision): void => {
    setAsked(undefined);
    setLast(act);
    void run(() => api.decideCertificate(certificate, act));
  };
  return (
    <section className="section" data-testid="certificates">
      <div className="proof-head">
        <div>
          <h3>{t("door.certificates")}</h3>
          <p className="soft">{t("door.certificatesHint")}</p>
        </div>
        <Button size="small" loading={known.loading} onClick={reload}>
          {t("gateway.check")}
        </Button>
      </div>
      {known.data === undefined && known.loading && <LoadingState />}
      {known.error !== undefined && <ErrorState error={known.error} onRetry={reload} />}
      {known.data?.items.length === 0 && <p className="soft">{t("door.noCertificates")}</p>}
      {known.data !== undefined && known.data.items.length > 0 && (
        <CertificateTable
          items={known.data.items}
          busy={busy}
          onDecide={(certificate, act) => setAsked({ certificate, act })}
        />
      )}
      <CommandStatus
        name="certificate"
        command={command}
        error={error}
        label={last === undefined ? undefined : t(`door.${last}Act`)}
      />
      {asked !== undefined && (
        <ConfirmDialog
          name="certificate"
          title={t(`door.${asked.act}Title`)}
          confirmText={t(`door.${asked.act}Act`)}
          danger={asked.act === "reject"}
          onCancel={() => setAsked(undefined)}
          onConfirm={() => decide(asked)}
        >
          <p className="certificate-warning">{t(`door.${asked.act}Text`)}</p>
          <dl className="facts">
            <dt>{t("door.subject")}</dt>
            <dd>{asked.certificate.subject}</dd>
            <dt>{t("door.channel")}</dt>
            <dd>{asked.certificate.channel}</dd>
            <dt>{t("door.thumbprint")}</dt>
            <dd>
              <code>{shownThumbprint(asked.certificate.thumbprint)}</code>
            </dd>
          </dl>
        </ConfirmDialog>
      )}
    </section>
  );
}

function CertificateTable(props: {
  readonly items: readonly CertificateView[];
  readonly busy: boolean;
  readonly onDecide: (certificate: CertificateView, act: "trust" | "reject") => void;
}) {
  const { t } = useTranslation();
  return (
    <div className="certificate-table">
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">{t("door.channel")}</th>
            <th scope="col">{t("device.column.state")}</th>
            <th scope="col">{t("door.subject")}</th>
            <th scope="col">{t("door.validity")}</th>
            <th scope="col">{t("door.thumbprint")}</th>
            <th scope="col">
              <span className="visually-hidden">{t("audit.action")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {props.items.map((certificate) => (
            <CertificateRow key={`${certificate.channel} ${certificate.thumbprint}`} certificate={certificate}>
              {decisionsOn(certificate).map((act) => (
                <Button
                  key={act}
                  size="small"
                  disabled={props.busy}
                  data-testid={`certificate-${act}`}
                  onClick={() => props.onDecide(certificate, act)}
                >
                  {t(`door.${act}Act`)}
                </Button>
              ))}
            </CertificateRow>
          ))}
        </tbody>
      </table>
    </div>
  );
}
