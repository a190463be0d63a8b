import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { CertificateView } from "#core/contracts/gateways.ts";
import { dateOf } from "../../i18n/format.ts";
import { commonName, shownThumbprint, validityOf } from "../../live/certificate-state.ts";
import { useNow } from "../../live/hooks.ts";
import { Icon, type IconName } from "../../ui/icon.tsx";

const TRUST_ICONS: Readonly<Record<CertificateView["trust"], IconName>> = {
  own: "key",
  trusted: "check",
  rejected: "warning",
};

/** How long it is valid; said where that is not long, or not at all. */
function Valid({ certificate }: { readonly certificate: CertificateView }) {
  const { t } = useTranslation();
  const validity = validityOf(certificate, useNow(60_000));
  const { notBefore, notAfter } = certificate;
  return (
    <>
      {dateOf(new Date(notBefore))} – {dateOf(new Date(notAfter))}{" "}
      {validity.is === "expiresSoon" && (
        <span className="tag tag-warn">{t("door.expiresSoon", { count: validity.days })}</span>
      )}
      {(validity.is === "expired" || validity.is === "notYetValid") && (
        <span className="tag tag-bad">{t(`door.${validity.is}`)}</span>
      )}
    </>
  );
}

/** One certificate of a channel; `children` are what may be decided about it. */
export function CertificateRow(props: { readonly certificate: CertificateView; readonly children: ReactNode }) {
  const { certificate, children } = props;
  const { channel, trust, subject, issuer, applicationUri, thumbprint } = certificate;
  const { t } = useTranslation();
  return (
    <tr data-testid="certificate" data-trust={trust} data-thumbprint={thumbprint}>
      <td>{channel}</td>
      <td>
        <span className={trust === "rejected" ? "tag tag-warn" : "tag"}>
          <Icon name={TRUST_ICONS[trust]} />
          {t(`door.trust.${trust}`)}
        </span>
      </td>
      <td className="certificate-subject">
        <strong title={subject}>{commonName(subject)}</strong>
        {applicationUri !== undefined && <small title={t("door.applicationUri")}>{applicationUri}</small>}
        <small title={t("door.issuer")}>{issuer === subject ? t("door.selfSigned") : commonName(issuer)}</small>
      </td>
      <td>
        <Valid certificate={certificate} />
      </td>
      <td>
        <code title={shownThumbprint(thumbprint)}>{thumbprint.slice(0, 12)}…</code>
      </td>
      <td>
        <span className="certificate-acts">{children}</span>
      </td>
    </tr>
  );
}
