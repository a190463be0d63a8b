import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { StatementKey } from "#core/contracts/completeness.ts";
import { HubError } from "#core/errors.ts";

/** The key of the statements cannot be read. */
export class StatementKeyError extends HubError {}

/** Signs with a key of its own that lies beside the data, made once. [RFC 8032 Ed25519] */
export class StatementSigner {
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  /** Id, algorithm and public key. */
  readonly key: StatementKey;

  /** Reads or makes the private key, PKCS #8 PEM, mode 600. @throws STATEMENT_KEY_INVALID */
  constructor(file: string) {
    this.#private = existsSync(file) ? readKey(file) : makeKey(file);
    this.#public = createPublicKey(this.#private);
    const der = this.#public.export({ type: "spki", format: "der" });
    this.key = {
      key: createHash("sha256").update(der).digest("hex").slice(0, 16),
      algorithm: "Ed25519",
      publicKey: this.#public.export({ type: "spki", format: "pem" }).toString(),
    };
  }

  /** The signature over the text's UTF-8 bytes, base64. */
  sign(text: string): string {
    return sign(null, Buffer.from(text), this.#private).toString("base64");
  }

  /** Was the text signed by this key? */
  verifies(text: string, signature: string): boolean {
    return verify(null, Buffer.from(text), this.#public, Buffer.from(signature, "base64"));
  }
}

function readKey(file: string): KeyObject {
  try {
    const key = createPrivateKey(readFileSync(file));
    if (key.asymmetricKeyType === "ed25519") return key;
    throw new TypeError(`a ${key.asymmetricKeyType} key`);
  } catch (cause) {
    throw new StatementKeyError(
      "STATEMENT_KEY_INVALID",
      `${file}: expected an Ed25519 private key as PEM; without it a new key would begin a chain that the old statements do not prove`,
      { cause },
    );
  }
}

function makeKey(file: string): KeyObject {
  const { privateKey } = generateKeyPairSync("ed25519");
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.partial`, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  chmodSync(`${file}.partial`, 0o600);
  renameSync(`${file}.partial`, file);
  return privateKey;
}
