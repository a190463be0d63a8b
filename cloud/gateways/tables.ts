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

/** Foreign clients of the broker, and the points of foreign edge nodes. Retention: until an administrator removes the client. */
export interface MqttClientTables {
  /** One row a client that is no gateway of ours (cloud/gateways/mqtt-clients.ts). */
  mqtt_clients: {
    name: string;
    kind: "reader" | "foreignNode";
    client_id: string;
    /** `<site>/<edge node id>` of a foreign node; null for a reader. */
    node: string | null;
    /** Where a foreign node's points lie. */
    space: string | null;
    may_command: number;
    salt: Uint8Array;
    /** scrypt. */
    hash: Uint8Array;
    created_at: number;
  };
}
