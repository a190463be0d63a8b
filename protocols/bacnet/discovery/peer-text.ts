import { InvalidInputError } from "#core/errors.ts";
import type { Peer } from "../codec/frame.ts";
import { BACNET_PORT } from "../settings.ts";

const PATTERN =
  /^(?<host>\d{1,3}(?:\.\d{1,3}){3})(?::(?<port>\d{1,5}))?(?:\/(?<net>\d{1,5})(?::(?<mac>(?:[0-9a-f]{2}){1,7}))?)?$/i;
const HIGHEST_NET = 65_534;

/** A peer as people write it: `192.168.1.10:47808`, behind a router `192.168.1.1:47808/2001:0c`. */
export function peerText({ host, port, station }: Peer): string {
  if (station === undefined) return `${host}:${port}`;
  const mac = Array.from(station.mac, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${host}:${port}/${station.net}${mac === "" ? "" : `:${mac}`}`;
}

/**
 * The peer of a text `host[:port][/net[:mac]]`; port 47808 when absent, `mac` hexadecimal, everybody on that network when absent.
 * @throws BACNET_ADDRESS_INVALID
 */
export function peerOfText(text: string): Peer {
  const { host = "", port, net, mac = "" } = PATTERN.exec(text)?.groups ?? {};
  const number = port === undefined ? BACNET_PORT : Number(port);
  const network = net === undefined ? undefined : Number(net);
  const valid =
    host !== "" &&
    host.split(".").every((part) => Number(part) <= 255) &&
    number >= 1 &&
    number <= 65_535 &&
    (network === undefined || (network >= 1 && network <= HIGHEST_NET));
  if (!valid) {
    const expected = "an IPv4 address as host[:port][/net:mac], e.g. 192.168.1.10 or 192.168.1.1:47808/2001:0c";
    throw new InvalidInputError("BACNET_ADDRESS_INVALID", `expected ${expected}, got "${text}"`);
  }
  if (network === undefined) return { host, port: number };
  const bytes = Uint8Array.from(mac.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return { host, port: number, station: { net: network, mac: bytes } };
}
