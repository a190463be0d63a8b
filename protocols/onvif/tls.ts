import type { ClientRequestArgs } from "node:http";
import { Agent, type AgentOptions } from "node:https";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import type { Clock } from "#core/clock.ts";
import { timeoutError, untrustedError } from "./errors.ts";

/** Trust in an https device; by the system's authorities where both are absent. */
export interface TlsTrust {
  /** SHA-256 of the certificate, hexadecimal, with or without colons. */
  readonly serverFingerprint?: string;
  readonly allowSelfSigned?: boolean;
}

/** A request that was given up leaves its handshake behind; it ends so late at the latest. */
const HANDSHAKE_MS = 30_000;

const plain = (fingerprint: string): string => fingerprint.replaceAll(":", "").toLowerCase();

/** Why a certificate is refused; undefined where it is trusted. `now` is Unix ms. */
function refusal(socket: TLSSocket, trust: TlsTrust, now: number): string | undefined {
  const certificate = socket.getPeerCertificate();
  if (trust.serverFingerprint !== undefined) {
    const shown = certificate.fingerprint256 ?? "";
    if (plain(shown) === plain(trust.serverFingerprint)) return undefined;
    return `expected SHA-256 ${plain(trust.serverFingerprint)}, got ${shown === "" ? "none" : plain(shown)}`;
  }
  if (trust.allowSelfSigned === true) {
    const inDate = Date.parse(certificate.valid_from) <= now && now <= Date.parse(certificate.valid_to);
    return inDate ? undefined : `valid from ${certificate.valid_from} to ${certificate.valid_to}`;
  }
  return socket.authorized ? undefined : String(socket.authorizationError);
}

/** Opens TLS connections to one device; nothing is sent before its certificate is trusted. */
export class TrustingAgent extends Agent {
  readonly #trust: TlsTrust;
  readonly #clock: Clock;

  constructor(options: AgentOptions, trust: TlsTrust, clock: Clock) {
    super(options);
    this.#trust = trust;
    this.#clock = clock;
  }

  /** Called by node for each new connection; tells by `callback` once the certificate has been looked at. */
  override createConnection(
    options: ClientRequestArgs & ConnectionOptions,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): null {
    const { host, port } = options;
    // [RFC 6066 §3] a server name is never a literal address.
    const servername = /^[\d.]+$|:/.test(host ?? "") ? "" : (host ?? "");
    const socket = connect({ ...options, host: host ?? "", port: Number(port), servername, rejectUnauthorized: false });
    const cancel = this.#clock.after(HANDSHAKE_MS, () => socket.destroy(timeoutError(`${host}:${port}`, HANDSHAKE_MS)));
    const onError = (error: Error): void => {
      cancel();
      callback?.(error, socket);
    };
    socket.once("error", onError);
    socket.once("secureConnect", () => {
      cancel();
      const why = refusal(socket, this.#trust, this.#clock.now());
      socket.off("error", onError);
      if (why === undefined) {
        callback?.(null, socket);
        return;
      }
      socket.on("error", () => undefined);
      socket.destroy();
      callback?.(untrustedError(`${host}:${port}`, why), socket);
    });
    return null;
  }
}
