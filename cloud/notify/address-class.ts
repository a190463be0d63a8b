import { BlockList, isIP, isIPv6 } from "node:net";

/** IPv4 that is no host of the internet. @see IANA IPv4 Special-Purpose Address Registry (RFC 6890) */
const RESERVED_4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];
/** Inside 2000::/3, what carries another address in it or is no host. @see IANA IPv6 Special-Purpose Address Registry */
const RESERVED_6: readonly (readonly [string, number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];
/** Where clouds answer who a machine is and what it may do: only a list that names exactly this address opens them. */
const METADATA = new Set(["169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"]);

const reserved = new BlockList();
for (const [net, bits] of RESERVED_4) reserved.addSubnet(net, bits, "ipv4");
for (const [net, bits] of RESERVED_6) reserved.addSubnet(net, bits, "ipv6");
const global6 = new BlockList();
global6.addSubnet("2000::", 3, "ipv6");

/** The IPv4 address inside an IPv4-mapped IPv6 address; any other one in its canonical form, without a zone. */
export function plainAddress(address: string): string {
  if (!isIPv6(address)) return address;
  const bare = address.replace(/%.*$/, "");
  const canonical = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (mapped === null) return canonical;
  const [high, low] = [Number.parseInt(mapped[1] ?? "0", 16), Number.parseInt(mapped[2] ?? "0", 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** Is it a host of the internet? Loopback, private, link-local, multicast and whatever carries another address in it is not. */
export function isPublic(address: string): boolean {
  const plain = plainAddress(address);
  switch (isIP(plain)) {
    case 4:
      return !reserved.check(plain, "ipv4");
    case 6:
      return global6.check(plain, "ipv6") && !reserved.check(plain, "ipv6");
    default:
      return false;
  }
}

/** Is it where a cloud tells secrets to its machines? */
export function isMetadata(address: string): boolean {
  return METADATA.has(plainAddress(address));
}
