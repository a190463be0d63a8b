import { OPCUACertificateManager } from "node-opcua";

type Verify = OPCUACertificateManager["verifyCertificate"];
type Verdict = Awaited<ReturnType<Verify>>;

/**
 * What is only missing about the authority that issued a certificate: itself, or its list of those it has withdrawn. Nothing of it
 * says that the certificate is bad, as a wrong signature, a withdrawal or a time that is over would.
 */
const UNKNOWN_OF_ISSUER: readonly string[] = [
  "BadCertificateChainIncomplete",
  "BadCertificateRevocationUnknown",
  "BadCertificateIssuerRevocationUnknown",
];

/** Is a verdict one that a person's trust in the very certificate makes good? */
export function isExcused(verdict: string): boolean {
  return UNKNOWN_OF_ISSUER.includes(verdict);
}

/**
 * A trust list in which trusting a certificate means that one certificate. The library wants to know the authority behind it as
 * well, so that a server whose certificate was issued could never be trusted by a person. [OPC 10000-4 §6.1.3]
 */
export class TrustingManager extends OPCUACertificateManager {
  /** Is the first certificate of a chain (DER) trusted by name, and in date? */
  readonly #isTrusted: (chain: Buffer) => Promise<boolean>;

  constructor(
    options: ConstructorParameters<typeof OPCUACertificateManager>[0],
    isTrusted: (chain: Buffer) => Promise<boolean>,
  ) {
    super(options);
    this.#isTrusted = isTrusted;
  }

  override async verifyCertificate(...[certificates, options]: Parameters<Verify>): Promise<Verdict> {
    const verdict = await super.verifyCertificate(certificates, options);
    const chain = Array.isArray(certificates) ? Buffer.concat(certificates) : certificates;
    // the library's names of verdicts are their values
    return isExcused(verdict) && (await this.#isTrusted(chain)) ? ("Good" as Verdict) : verdict;
  }
}
