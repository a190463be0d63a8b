/** Networks that mean something only where they are: private, loopback, link-local. [RFC 1918, 6598, 3927, 5735] */
const LOCAL_V4: readonly RegExp[] = [
  /^10\./,
  /^127\./,
  /^169\.254\./,
  /^172\.(1[6-9]|2\d|3[01])\./,
  /^192\.168\./,
  /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./,
  /^0\.0\.0\.0$/,
];
/** Unspecified, loopback, link-local and unique local addresses. [RFC 4291, 4193] */
const LOCAL_V6 = /^\[(::|::1|fe[89ab][0-9a-f]:.*|f[cd][0-9a-f]{2}:.*)\]$/i;

/**
 * Does an address that a device gave lead to somebody else? A private address other than the configured one is the device's own
 * on the far side of an address translation; it is replaced by the configured one and so leads nowhere else.
 */
export function isForeign(host: string, own: string): boolean {
  if (host.toLowerCase() === own.toLowerCase() || host.toLowerCase() === "localhost") return false;
  const isV4 = /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
  return !((isV4 && LOCAL_V4.some((network) => network.test(host))) || LOCAL_V6.test(host));
}
