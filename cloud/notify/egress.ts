import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { errorCode } from "#core/errors.ts";
import { isMetadata, isPublic, plainAddress } from "./address-class.ts";
import { DeliveryError, NotifyError } from "./errors.ts";

/** An address that may be connected to, and nothing else in its place. */
export interface CheckedAddress {
  /** Name or address as configured, in its canonical form; for TLS and the Host header. */
  readonly host: string;
  /** What to connect to. */
  readonly address: string;
  readonly family: 4 | 6;
  /** Named by its address in the list: plain text may be spoken to it. */
  readonly listed: boolean;
}

/** Finds the addresses of a name; DNS unless a test says otherwise. */
export type Resolve = (host: string) => Promise<readonly string[]>;

interface Entry {
  /** Lower-case name, or the end of names with its dot. */
  readonly name?: string;
  readonly below?: string;
  readonly net?: BlockList;
  /** The one address, where it is no network. */
  readonly single?: string;
  readonly port?: number;
}

const resolveByDns: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

function portOf(text: string | undefined, entry: string): { port?: number } {
  if (text === undefined) return {};
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw invalid(entry);
  return { port };
}

function invalid(entry: string): NotifyError {
  const expected = "expected a host, *.domain, an address or a network, with or without :port ([...]:port for IPv6)";
  return new NotifyError("EGRESS_LIST_INVALID", `egress list: ${expected}, got ${entry}`);
}

function networkOf(text: string, entry: string): Pick<Entry, "net" | "single"> {
  const [address = "", bits] = text.split("/");
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  if (family === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > most || bits === "") throw invalid(entry);
  const net = new BlockList();
  net.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  return { net, ...(prefix === most ? { single: plainAddress(address) } : {}) };
}

function entryOf(text: string): Entry {
  const entry = text.trim().toLowerCase();
  const bracketed = /^\[([0-9a-f:.]+)\](?::(\d+))?$/.exec(entry);
  if (bracketed) return { ...networkOf(bracketed[1] ?? "", entry), ...portOf(bracketed[2], entry) };
  if (isIP(entry) === 6 || entry.includes("/")) return networkOf(entry, entry);
  const [host = "", port, ...more] = entry.split(":");
  if (more.length > 0) throw invalid(entry);
  if (isIP(host) === 4) return { ...networkOf(host, entry), ...portOf(port, entry) };
  if (!/^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/.test(host))
    throw invalid(entry);
  return { ...(host.startsWith("*.") ? { below: host.slice(1) } : { name: host }), ...portOf(port, entry) };
}

/** A host as a URL would write it: decimal, octal and hexadecimal IPv4 become what they mean. @throws EGRESS_HOST_INVALID */
export function canonicalHost(host: string): string {
  try {
    const bare = isIP(host) === 6 ? `[${host}]` : host;
    const { hostname, href } = new URL(`http://${bare}/`);
    // A URL swallows its scheme's own port.
    if (href !== `http://${hostname}/` || (isIP(host) !== 6 && host.includes(":")))
      throw new TypeError("more than a host");
    return hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  } catch {
    throw new DeliveryError("EGRESS_HOST_INVALID", `host: expected a name or an address, got ${host.slice(0, 100)}`);
  }
}

/**
 * Where the hub may send to: hosts by name, `*.domain`, addresses and networks, each with or without a port. A name alone opens
 * no loopback, private, link-local or otherwise special address: that must be listed by its address or network too, a cloud's
 * metadata address exactly. An empty list allows nothing.
 */
export class Egress {
  readonly #entries: readonly Entry[];
  readonly #resolve: Resolve;

  /** @throws EGRESS_LIST_INVALID */
  constructor(list: readonly string[], resolve: Resolve = resolveByDns) {
    this.#entries = list.filter((entry) => entry.trim() !== "").map(entryOf);
    this.#resolve = resolve;
  }

  /**
   * Resolves a host once and gives the one address to connect to. Every address that the name has must be allowed.
   * @throws EGRESS_HOST_INVALID, EGRESS_FORBIDDEN, EGRESS_NAME_UNKNOWN (retriable)
   */
  async check(host: string, port: number): Promise<CheckedAddress> {
    const name = canonicalHost(host).toLowerCase();
    if (isIP(name) === 0 && !this.#entries.some((entry) => namesHost(entry, name) && fitsPort(entry, port)))
      throw new DeliveryError("EGRESS_FORBIDDEN", `${name}:${port}: the egress list does not name this host`);
    const addresses = isIP(name) === 0 ? await this.#addresses(name) : [name];
    for (const address of addresses) this.#checkAddress(name, address, port);
    const [address] = addresses;
    if (address === undefined)
      throw new DeliveryError("EGRESS_NAME_UNKNOWN", `${name}: the name has no address`, { retriable: true });
    const listed = this.#lists(address, port);
    return { host: name, address, family: isIP(address) === 4 ? 4 : 6, listed };
  }

  async #addresses(name: string): Promise<readonly string[]> {
    try {
      return (await this.#resolve(name)).map(plainAddress);
    } catch (error) {
      throw new DeliveryError("EGRESS_NAME_UNKNOWN", `${name}: cannot be resolved, ${errorCode(error)}`, {
        retriable: true,
      });
    }
  }

  #checkAddress(name: string, address: string, port: number): void {
    const isName = isIP(name) === 0;
    if (isName && isPublic(address)) return;
    if (this.#lists(address, port)) return;
    const what = isName ? `${name} is at ${address}, which` : `${name}:${port}`;
    throw new DeliveryError(
      "EGRESS_FORBIDDEN",
      isPublic(address)
        ? `${what}: the egress list does not name this address`
        : `${what} is no public address and not in the egress list`,
    );
  }

  #lists(address: string, port: number): boolean {
    const plain = plainAddress(address);
    const family = isIP(plain) === 4 ? "ipv4" : "ipv6";
    return this.#entries.some(
      (entry) =>
        fitsPort(entry, port) &&
        (isMetadata(plain) ? entry.single === plain : entry.net?.check(plain, family) === true),
    );
  }
}

function fitsPort({ port }: Entry, asked: number): boolean {
  return port === undefined || port === asked;
}

function namesHost({ name, below }: Entry, host: string): boolean {
  return name === host || (below !== undefined && host.endsWith(below) && host.length > below.length);
}
