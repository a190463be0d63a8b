import { X509Certificate } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { type OPCUACertificateManager, type StatusCode, StatusCodes } from "node-opcua";
import { errorMessage } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import type { FieldCertificate } from "#core/model/certificate.ts";
import type { DriverDeps } from "../driver.ts";
import { CertificateError } from "./errors.ts";
import { isExcused, TrustingManager } from "./trusting-manager.ts";

const APPLICATION_NAME = "Parkhub";
const OWN_VALIDITY_DAYS = 3650;
/** The store keeps what any server shows; more than so many are not listed. */
const MOST_LISTED = 500;
/** A server that shows another certificate each time must not fill the disk. */
const MOST_REJECTED = 100;
const FIRST_USE_FILE = "first-use.json";

/** What a certificate of a device has to fulfil. */
export interface Expectation {
  readonly device: string;
  readonly applicationUri?: string;
  readonly serverThumbprint?: string;
  readonly trustOnFirstUse?: boolean;
}

/** SHA-1 thumbprint of a certificate in DER form, as the trust lists name it. */
export function thumbprintOf(der: Uint8Array): string {
  return new X509Certificate(der).fingerprint.replaceAll(":", "").toLowerCase();
}

/** End of a certificate's validity, Unix ms. */
export function endOf(der: Uint8Array): number {
  return new X509Certificate(der).validToDate.getTime();
}

/** The application URI in a certificate's subjectAltName; undefined where it has none. [OPC 10000-6 §6.2.2] */
export function applicationUriOf(certificate: X509Certificate): string | undefined {
  return /(?:^|, )URI:("(?:[^"\\]|\\.)*"|[^,]*)/.exec(certificate.subjectAltName ?? "")?.[1]?.replace(/^"(.*)"$/, "$1");
}

/**
 * Own certificate, trusted and rejected certificates of one channel, as files in its folder. Nothing becomes trusted by itself:
 * a person trusts, or the configuration names the thumbprint (or asks for trust on first use). [OPC 10000-4 §6.1]
 */
export class Pki {
  readonly #deps: Pick<DriverDeps, "folder" | "clock" | "logger" | "onCertificates">;
  readonly #manager: OPCUACertificateManager;
  #ownFile = "";
  #own: Buffer = Buffer.alloc(0);
  #applicationUri = "";
  #ownEnd = 0;
  /** First uses are decided one after the other. */
  #deciding: Promise<unknown> = Promise.resolve();

  constructor(deps: Pick<DriverDeps, "folder" | "clock" | "logger" | "onCertificates">) {
    this.#deps = deps;
    const options = {
      rootFolder: deps.folder,
      automaticallyAcceptUnknownCertificate: false,
      keySize: 2048 as const,
      // this driver is the only writer; watchers would hold handles for each of its folders
      disableFileWatchers: true,
    };
    this.#manager = new TrustingManager(options, (chain) => this.#isTrustedNow(chain));
    // clients count their use of the manager and dispose it with the last one; this use ends in `close`
    this.#manager.referenceCounter++;
  }

  get manager(): OPCUACertificateManager {
    return this.#manager;
  }
  get applicationName(): string {
    return APPLICATION_NAME;
  }
  get applicationUri(): string {
    return this.#applicationUri;
  }
  get certificateFile(): string {
    return this.#ownFile;
  }
  get privateKeyFile(): string {
    return this.#manager.privateKey;
  }
  /** End of the own certificate's validity, Unix ms. */
  get ownEnd(): number {
    return this.#ownEnd;
  }

  /** Makes the folders and the own certificate where there are none yet, and tells all certificates. */
  async open(): Promise<void> {
    await mkdir(this.#deps.folder, { recursive: true, mode: 0o700 });
    await this.#manager.initialize();
    this.#ownFile = path.join(this.#manager.ownCertFolder, "client_certificate.pem");
    const known = await readFile(this.#ownFile).catch(() => undefined);
    if (known === undefined) {
      const { clock } = this.#deps;
      await this.#manager.createSelfSignedCertificate({
        applicationUri: `urn:parkhub:gateway:${newId(clock.now())}`,
        dns: [hostname()],
        outputFile: this.#ownFile,
        subject: `/CN=${APPLICATION_NAME}/O=Parkhub`,
        startDate: new Date(clock.now() - 60_000),
        validity: OWN_VALIDITY_DAYS,
      });
    }
    const own = new X509Certificate(known ?? (await readFile(this.#ownFile)));
    this.#own = own.raw;
    this.#ownEnd = own.validToDate.getTime();
    this.#applicationUri = applicationUriOf(own) ?? "";
    await this.#tell();
  }

  async close(): Promise<void> {
    this.#manager.referenceCounter = 0;
    await this.#manager.dispose();
  }

  /** Accepts a server's certificate or says why not. @throws OPCUA_CERTIFICATE_UNTRUSTED, OPCUA_CERTIFICATE_INVALID, OPCUA_WRONG_SERVER */
  async verify(der: Buffer, expected: Expectation): Promise<void> {
    const certificate = parsed(der);
    const thumbprint = thumbprintOf(certificate.raw);
    const uri = applicationUriOf(certificate);
    if (expected.applicationUri !== undefined && uri !== expected.applicationUri) {
      const text = `${expected.device}: expected the certificate of ${expected.applicationUri}, got that of ${uri ?? "no application"}`;
      throw new CertificateError("OPCUA_WRONG_SERVER", text);
    }
    const pinned = expected.serverThumbprint?.toLowerCase();
    const known = await this.#known("trusted", thumbprint);
    if (pinned !== undefined && pinned !== thumbprint) {
      if (!known) await this.#put(certificate.raw, "rejected");
      const text = `${expected.device}: expected certificate ${pinned}, got ${thumbprint}`;
      throw new CertificateError("OPCUA_CERTIFICATE_UNTRUSTED", text);
    }
    if (!known && (pinned === thumbprint || (await this.#isFirstUse(expected, thumbprint)))) {
      await this.#put(certificate.raw, "trusted");
    }
    const before = known || (await this.#known("rejected", thumbprint));
    const status =
      before || (await this.#hasRoom()) ? await this.#manager.checkCertificate(der) : await this.#judged(der);
    if (status.isGood()) return;
    const untrusted = status.name === "BadCertificateUntrusted" || isExcused(status.name);
    // the library keeps only what it calls untrusted: a person has to see the others too
    if (untrusted && !before && (await this.#hasRoom())) await this.#put(certificate.raw, "rejected");
    else if (!before) await this.#tell();
    throw new CertificateError(
      untrusted ? "OPCUA_CERTIFICATE_UNTRUSTED" : "OPCUA_CERTIFICATE_INVALID",
      `${expected.device}: certificate ${thumbprint} (${uri ?? "no application"}) is refused: ${status.name}`,
    );
  }

  /** Moves a known certificate to the trusted or the rejected ones. False when none has this thumbprint. */
  async move(thumbprint: string, to: "trusted" | "rejected"): Promise<boolean> {
    for (const from of ["trusted", "rejected"] as const) {
      const found = (await this.#list(from)).find((one) => thumbprintOf(one.raw) === thumbprint.toLowerCase());
      if (found === undefined) continue;
      await this.#put(found.raw, to);
      return true;
    }
    return false;
  }

  async #put(der: Buffer, to: "trusted" | "rejected"): Promise<void> {
    if (to === "trusted") await this.#manager.trustCertificate(der);
    else await this.#manager.rejectCertificate(der);
    this.#deps.logger.info({ thumbprint: thumbprintOf(der), trust: to }, "OPC UA certificate moved");
    await this.#tell();
  }

  async #known(where: "trusted" | "rejected", thumbprint: string): Promise<boolean> {
    return (await this.#list(where)).some((one) => thumbprintOf(one.raw) === thumbprint);
  }

  async #isTrustedNow(chain: Buffer): Promise<boolean> {
    const certificate = new X509Certificate(chain);
    const now = this.#deps.clock.now();
    const inDate = certificate.validFromDate.getTime() <= now && now <= certificate.validToDate.getTime();
    return inDate && (await this.#known("trusted", thumbprintOf(certificate.raw)));
  }

  async #hasRoom(): Promise<boolean> {
    return (await this.#list("rejected")).length < MOST_REJECTED;
  }

  /** As the manager's own check, which would keep what it rejects. */
  async #judged(der: Buffer): Promise<StatusCode> {
    return StatusCodes[await this.#manager.verifyCertificate(der, { acceptCertificateWithValidIssuerChain: true })];
  }

  #isFirstUse(expected: Expectation, thumbprint: string): Promise<boolean> {
    const decided = this.#deciding.then(() => this.#firstUse(expected, thumbprint));
    this.#deciding = decided.catch(() => undefined);
    return decided;
  }

  /** Remembers for ever which certificate a device showed first, so that a second one is never taken for the first. */
  async #firstUse({ device, trustOnFirstUse }: Expectation, thumbprint: string): Promise<boolean> {
    if (trustOnFirstUse !== true || (await this.#known("rejected", thumbprint))) return false;
    const file = path.join(this.#deps.folder, FIRST_USE_FILE);
    const text = await readFile(file, "utf8").catch(() => "{}");
    let seen: Readonly<Record<string, string>>;
    try {
      seen = JSON.parse(text) as Readonly<Record<string, string>>;
    } catch (error) {
      this.#deps.logger.error({ file, error: errorMessage(error) }, "first uses of certificates cannot be read");
      return false;
    }
    if (seen[device] !== undefined) return false;
    await writeFile(`${file}.new`, JSON.stringify({ ...seen, [device]: thumbprint }), { mode: 0o600 });
    await rename(`${file}.new`, file);
    this.#deps.logger.warn({ device, thumbprint }, "OPC UA certificate trusted on first use");
    return true;
  }

  async #list(where: "trusted" | "rejected"): Promise<readonly X509Certificate[]> {
    const folder = where === "trusted" ? this.#manager.trustedFolder : this.#manager.rejectedFolder;
    const files = (await readdir(folder).catch(() => [])).slice(0, MOST_LISTED);
    const found: X509Certificate[] = [];
    for (const file of files) {
      try {
        found.push(new X509Certificate(await readFile(path.join(folder, file))));
      } catch (error) {
        this.#deps.logger.debug({ file, error: errorMessage(error) }, "file in the trust list is no certificate");
      }
    }
    return found;
  }

  async #tell(): Promise<void> {
    const all = [described(new X509Certificate(this.#own), "own")];
    for (const trust of ["trusted", "rejected"] as const) {
      for (const certificate of await this.#list(trust)) all.push(described(certificate, trust));
    }
    this.#deps.onCertificates(all);
  }
}

/** @throws OPCUA_CERTIFICATE_INVALID */
function parsed(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new CertificateError("OPCUA_CERTIFICATE_INVALID", "the server's certificate cannot be read", { cause });
  }
}

function described(certificate: X509Certificate, trust: FieldCertificate["trust"]): FieldCertificate {
  const uri = applicationUriOf(certificate);
  const oneLine = (text: string): string => text.replaceAll("\n", ", ").slice(0, 500);
  return {
    thumbprint: thumbprintOf(certificate.raw),
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    ...(uri === undefined ? {} : { applicationUri: uri.slice(0, 500) }),
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    trust,
  };
}
