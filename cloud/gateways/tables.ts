/** Certificates of field channels. Retention: replaced by each report of the channel, gone with the channel. */
export interface CertificateTables {
  /** One row a certificate that a channel knows (core/model/certificate.ts). */
  certificates: {
    gateway: string;
    channel: string;
    /** SHA-1 of the DER form. */
    thumbprint: string;
    subject: string;
    issuer: string;
    application_uri: string | null;
    not_before: number;
    not_after: number;
    trust: "own" | "trusted" | "rejected";
  };
}
