import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** argon2id with 19 MiB, 2 passes, 1 lane: the first recommendation of the OWASP password storage cheat sheet. */
const CURRENT = { memory: 19_456, passes: 2, parallelism: 1 };
const TAG_BYTES = 32;
const derive = promisify(argon2);

type Cost = typeof CURRENT;
interface Parsed extends Cost {
  readonly salt: Buffer;
  readonly tag: Buffer;
}

function tagOf(password: string, salt: Buffer, cost: Cost, bytes: number): Promise<Buffer> {
  const { memory, passes, parallelism } = cost;
  return derive("argon2id", {
    message: Buffer.from(password.normalize("NFC"), "utf8"),
    nonce: salt,
    memory,
    passes,
    parallelism,
    tagLength: bytes,
  });
}

function parse(hash: string): Parsed | undefined {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(hash);
  if (match === null) return undefined;
  const [, memory, passes, parallelism, salt = "", tag = ""] = match;
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, "base64"),
    tag: Buffer.from(tag, "base64"),
  };
}

const unpadded = (bytes: Buffer): string => bytes.toString("base64").replaceAll("=", "");

/** A password as a PHC string: `$argon2id$v=19$m=..,t=..,p=..$salt$tag`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const tag = await tagOf(password, salt, CURRENT, TAG_BYTES);
  const { memory, passes, parallelism } = CURRENT;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
}

/** Is it the password? Compared in constant time. */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const parsed = parse(hash);
  if (parsed === undefined) return false;
  return timingSafeEqual(await tagOf(password, parsed.salt, parsed, parsed.tag.length), parsed.tag);
}

/** Was the hash made with other costs than today's? Then it is made anew at the next sign-in. */
export function needsRehash(hash: string): boolean {
  const parsed = parse(hash);
  return (
    parsed === undefined ||
    parsed.memory !== CURRENT.memory ||
    parsed.passes !== CURRENT.passes ||
    parsed.parallelism !== CURRENT.parallelism
  );
}

/** A hash that no password has, so that an unknown user costs as much time as a known one. */
export const NOBODY_HASH = `$argon2id$v=19$m=${CURRENT.memory},t=${CURRENT.passes},p=${CURRENT.parallelism}$${unpadded(Buffer.alloc(16))}$${unpadded(Buffer.alloc(TAG_BYTES))}`;
