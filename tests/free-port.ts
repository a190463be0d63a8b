import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that systems give to whoever asks for port 0 or opens a connection, and below those that the simulators choose:
 * nobody gets one of ours by chance between the look and the use, nor while a killed server is away. [RFC 6335 §6]
 */
const FIRST = 12_000;
const END = 20_000;
const ATTEMPTS = 100;

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}

const given = new Set<number>();

/** A free loopback port that no other call in this process has given, as far as one can know. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FIRST, END);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${FIRST} and ${END}`);
}
