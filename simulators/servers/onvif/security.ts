import { randomBytes } from "node:crypto";
import type { Clock } from "#core/clock.ts";
import { type DigestChallenge, digestResponse, parseDigest } from "#protocols/onvif/codec/http-digest.ts";
import { parseDateTime } from "#protocols/onvif/codec/time.ts";
import { provesPassword, sameText, type UsernameToken } from "#protocols/onvif/codec/username-token.ts";

/** Tokens older or newer than this against the camera's own clock are refused. [WSS UsernameToken 1.1 §3.1: 5 minutes at least] */
const CREATED_WINDOW_MS = 60_000;
const NONCE_LIFE_MS = 300_000;
/** Nonces kept at a time: who asks without end takes the room of others, not the memory. */
const MAX_NONCES = 1000;
const REALM = "parkhub-simulator";

/** Who may use a camera. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** Takes a token a second time, as many devices do; false when absent. [WSS UsernameToken 1.1 §3.1] */
  readonly allowsReplay?: boolean;
}

/** Checks both ways of authentication that ONVIF knows. [ONVIF Core 5.9.1] */
export class Guard {
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #deviceNow: () => number;
  /** Nonces of tokens seen, with the time at which they may be forgotten. */
  readonly #seenTokens = new Map<string, number>();
  /** Nonces handed out for HTTP digest, and the highest count used with each. */
  readonly #handedOut = new Map<string, { readonly until: number; count: number }>();

  constructor(credentials: Credentials, clock: Clock, deviceNow: () => number) {
    this.#credentials = credentials;
    this.#clock = clock;
    this.#deviceNow = deviceNow;
  }

  /** Right user, right password, created within the window and never seen before. */
  acceptsToken(token: UsernameToken): boolean {
    const now = this.#clock.now();
    for (const [nonce, until] of this.#seenTokens) if (until < now) this.#seenTokens.delete(nonce);
    const created = parseDateTime(token.created);
    if (created === undefined || Math.abs(created - this.#deviceNow()) > CREATED_WINDOW_MS) return false;
    const key = `${token.nonce} ${token.created}`;
    if (this.#seenTokens.has(key) && this.#credentials.allowsReplay !== true) return false;
    if (!sameText(token.username, this.#credentials.username)) return false;
    if (!provesPassword(token, this.#credentials.password)) return false;
    this.#seenTokens.set(key, now + 2 * CREATED_WINDOW_MS);
    return true;
  }

  /** Checks an Authorization header of the Digest scheme. @see RFC 7616 §3.4 */
  acceptsDigest(header: string, method: string, uri: string): boolean {
    const given = parseDigest(header);
    const nonce = this.#handedOut.get(given?.["nonce"] ?? "");
    if (given === undefined || nonce === undefined || nonce.until < this.#clock.now()) return false;
    const count = Number.parseInt(given["nc"] ?? "", 16);
    if (!(count > nonce.count) || given["uri"] !== uri || given["username"] !== this.#credentials.username)
      return false;
    const challenge: DigestChallenge = {
      realm: REALM,
      nonce: given["nonce"] ?? "",
      algorithm: given["algorithm"] === "SHA-256" ? "SHA-256" : "MD5",
      auth: true,
    };
    const expected = digestResponse({
      challenge,
      ...this.#credentials,
      method,
      uri,
      count,
      clientNonce: given["cnonce"] ?? "",
    });
    if (!sameText(expected, given["response"] ?? "")) return false;
    nonce.count = count;
    return true;
  }

  /** Values of the WWW-Authenticate headers of a 401 answer, strongest first. */
  challenges(): string[] {
    const now = this.#clock.now();
    for (const [nonce, { until }] of this.#handedOut) if (until < now) this.#handedOut.delete(nonce);
    const [oldest] = this.#handedOut.keys();
    if (oldest !== undefined && this.#handedOut.size >= MAX_NONCES) this.#handedOut.delete(oldest);
    const nonce = randomBytes(16).toString("hex");
    this.#handedOut.set(nonce, { until: now + NONCE_LIFE_MS, count: 0 });
    return ["SHA-256", "MD5"].map(
      (algorithm) => `Digest realm="${REALM}", qop="auth", nonce="${nonce}", algorithm=${algorithm}`,
    );
  }

  /** Power was lost: nothing handed out or seen before counts any more. */
  forget(): void {
    this.#seenTokens.clear();
    this.#handedOut.clear();
  }
}
