import { type Static, Type } from "typebox";

/** A certificate that a channel of a gateway knows. @see OPC 10000-4 §6.1 (trust list), RFC 5280 */
export const FieldCertificate = Type.Object({
  thumbprint: Type.String({ pattern: "^[0-9a-f]{40}$", description: "SHA-1 of the DER form, hexadecimal." }),
  subject: Type.String({ maxLength: 500 }),
  issuer: Type.String({ maxLength: 500 }),
  applicationUri: Type.Optional(Type.String({ maxLength: 500 })),
  notBefore: Type.Integer({ description: "Unix ms." }),
  notAfter: Type.Integer({ description: "Unix ms." }),
  trust: Type.Enum(["own", "trusted", "rejected"], {
    description: "own: the gateway's; trusted: accepted; rejected: came from a device and waits for a person.",
  }),
});
export type FieldCertificate = Static<typeof FieldCertificate>;
