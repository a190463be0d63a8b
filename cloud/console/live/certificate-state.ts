import type { CertificateView } from "#core/contracts/gateways.ts";

const DAY_MS = 86_400_000;
/** A certificate that ends so soon is to be renewed. */
const WARNING_DAYS = 30;

/** How a certificate stands in time. `days`: until it ends, whole ones. */
export type Validity =
  | { readonly is: "valid" | "notYetValid" | "expired" }
  | { readonly is: "expiresSoon"; readonly days: number };

/** Is it valid at a time (Unix ms), and for long? */
export function validityOf(
  { notBefore, notAfter }: Pick<CertificateView, "notBefore" | "notAfter">,
  now: number,
): Validity {
  const leftMs = Date.parse(notAfter) - now;
  if (leftMs <= 0) return { is: "expired" };
  if (Date.parse(notBefore) > now) return { is: "notYetValid" };
  return leftMs <= WARNING_DAYS * DAY_MS ? { is: "expiresSoon", days: Math.floor(leftMs / DAY_MS) } : { is: "valid" };
}

/** The common name of a subject such as `CN=Server,O=Maker`, or all of it where it has none. */
export function commonName(subject: string): string {
  return /(?:^|[,/\n]\s*)CN=([^,/\n]+)/.exec(subject)?.[1]?.trim() ?? subject;
}

/** What a person may decide about a certificate: nothing about the gateway's own. */
export function decisionsOn({ trust }: Pick<CertificateView, "trust">): readonly ("trust" | "reject")[] {
  if (trust === "own") return [];
  return trust === "rejected" ? ["trust"] : ["reject"];
}

/** SHA-1 in pairs, as devices show it. */
export function shownThumbprint(thumbprint: string): string {
  return (
    thumbprint
      .toUpperCase()
      .match(/.{1,2}/g)
      ?.join(" ") ?? thumbprint
  );
}
