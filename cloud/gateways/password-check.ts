import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { HubError } from "#core/errors.ts";

const HASH_BYTES = 32;
const SALT_BYTES = 16;
const PASSWORD_BYTES = 24;
const MAX_PASSWORD = 256;
/** Hashes under way at once, and those that may wait: a storm of wrong passwords must not take the machine. */
const MAX_HASHING = 2;
const MAX_WAITING = 200;

/** Too many sign-ins at once: try again later. */
export class CredentialError extends HubError {}

/** What is kept of a password. */
export interface PasswordHash {
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

// [RFC 7914 §2] N=16384, r=8, p=1: about 50 ms and 16 MiB
function hashOf(password: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, { N: 16_384, r: 8, p: 1 }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

/** A new password with what is to be kept of it. */
export async function newPassword(): Promise<PasswordHash & { readonly password: string }> {
  const password = randomBytes(PASSWORD_BYTES).toString("base64url");
  const salt = randomBytes(SALT_BYTES);
  return { password, salt, hash: await hashOf(password, salt) };
}

/** Checks passwords of MQTT clients: few at once, and one that was right before at no cost. */
export class PasswordCheck {
  /** By user name the keyed digest of the last password that was right, so that a reconnect storm costs no scrypt each. */
  readonly #verified = new Map<string, Buffer>();
  readonly #key = randomBytes(32);
  #hashing = 0;
  readonly #waiting: (() => void)[] = [];

  /** Is it the password of this user name? @throws CREDENTIAL_BUSY when too many are being checked */
  async matches(username: string, password: string, kept: PasswordHash): Promise<boolean> {
    if (password.length > MAX_PASSWORD) return false;
    const salt = Buffer.from(kept.salt).toString("base64");
    const digest = createHmac("sha256", this.#key).update(`${username}\0${salt}\0${password}`).digest();
    const verified = this.#verified.get(username);
    if (verified !== undefined && timingSafeEqual(verified, digest)) return true;
    const hash = await this.#limited(() => hashOf(password, kept.salt));
    if (!timingSafeEqual(hash, kept.hash)) return false;
    this.#verified.set(username, digest);
    return true;
  }

  /** The user name is gone. */
  forget(username: string): void {
    this.#verified.delete(username);
  }

  async #limited<T>(work: () => Promise<T>): Promise<T> {
    if (this.#hashing >= MAX_HASHING) {
      if (this.#waiting.length >= MAX_WAITING)
        throw new CredentialError("CREDENTIAL_BUSY", "too many sign-ins at once", { retriable: true });
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#hashing++;
    try {
      return await work();
    } finally {
      // The turn is handed on, so the count stays; without anyone waiting it ends.
      const next = this.#waiting.shift();
      if (next === undefined) this.#hashing--;
      else next();
    }
  }
}
