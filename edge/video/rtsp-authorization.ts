import { randomBytes } from "node:crypto";
import {
  chooseChallenge,
  type DigestChallenge,
  digestAuthorization,
  parseDigest,
} from "#protocols/onvif/codec/http-digest.ts";

/** Who asks. */
export interface RtspCredential {
  readonly username: string;
  readonly password: string;
}

/** What came of a demand for authentication. */
export type Demand = "answer" | "wrongCredential" | "basicRefused" | "unknownScheme";

/** Answers a server's demands: Digest (MD5, SHA-256), and Basic where the password may go over the wire. [RFC 7616, RFC 7617] */
export class RtspAuthorization {
  readonly #credential: RtspCredential | undefined;
  readonly #basicAllowed: () => boolean;
  readonly #clientNonce: () => string;
  #challenge: DigestChallenge | undefined;
  #basic = false;
  #count = 0;

  constructor(
    credential: RtspCredential | undefined,
    basicAllowed: () => boolean,
    clientNonce: () => string = () => randomBytes(8).toString("hex"),
  ) {
    this.#credential = credential;
    this.#basicAllowed = basicAllowed;
    this.#clientNonce = clientNonce;
  }

  /** Value of the Authorization header; undefined before the first demand. */
  header(method: string, uri: string): string | undefined {
    const credential = this.#credential;
    if (credential === undefined) return undefined;
    if (this.#challenge !== undefined) {
      const challenge = this.#challenge;
      return digestAuthorization({
        ...credential,
        challenge,
        method,
        uri,
        count: ++this.#count,
        clientNonce: this.#clientNonce(),
      });
    }
    if (!this.#basic) return undefined;
    return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString("base64")}`;
  }

  /** Takes the WWW-Authenticate headers of a 401. `answered`: the refused request had been answered to a demand already. */
  demand(headers: readonly string[], answered: boolean): Demand {
    if (this.#credential === undefined) return "wrongCredential";
    const challenge = chooseChallenge(headers);
    if (challenge !== undefined) {
      const stale = headers.some((header) => parseDigest(header)?.["stale"]?.toLowerCase() === "true");
      // a nonce that has run out is no word on the password
      if (answered && this.#challenge !== undefined && !stale) return "wrongCredential";
      this.#challenge = challenge;
      this.#count = 0;
      return "answer";
    }
    if (!headers.some((header) => /^\s*basic\b/i.test(header))) return "unknownScheme";
    if (!this.#basicAllowed()) return "basicRefused";
    if (answered && this.#basic) return "wrongCredential";
    this.#basic = true;
    return "answer";
  }
}
