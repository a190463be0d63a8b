import { InvalidInputError } from "#core/errors.ts";

/** Where an InfluxDB is, taken apart. Never logged: only `label` may be. */
export interface InfluxTarget {
  readonly protocol: "http" | "https";
  /** Name or address, an IPv6 one without brackets. */
  readonly host: string;
  readonly port: number;
  /** What a proxy in front wants before `/write`; empty when nothing. */
  readonly prefix: string;
  readonly database: string;
  /** The `Authorization` header; undefined where nobody signs in. */
  readonly authorization: string | undefined;
  /** For logs and messages: no user, no secret. */
  readonly label: string;
}

const DEFAULT_DATABASE = "parkhub";

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function authorizationOf(url: URL): string | undefined {
  // InfluxDB 2.x and 3.x take a token where 1.x takes user and password.
  const token = url.searchParams.get("token");
  if (token !== null && token !== "") return `Token ${token}`;
  if (url.username === "") return undefined;
  const credentials = `${decoded(url.username)}:${decoded(url.password)}`;
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

/**
 * Reads `http(s)://user:password@host:port/database?token=...`. Without a port 8086, without a database `parkhub`; parts of
 * the path before the last one belong to a proxy.
 * @throws HISTORY_URL_INVALID, which names no secret
 */
export function influxTarget(text: string): InfluxTarget {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:") || url.hostname === "")
    throw new InvalidInputError(
      "HISTORY_URL_INVALID",
      "the address of InfluxDB: expected http(s)://user:password@host:port/database",
    );
  const parts = url.pathname.split("/").filter((part) => part !== "");
  const database = decoded(parts.pop() ?? DEFAULT_DATABASE);
  const prefix = parts.map((part) => `/${part}`).join("");
  const protocol = url.protocol === "https:" ? "https" : "http";
  const authorization = authorizationOf(url);
  // A header must not be able to end the line.
  if (/[\r\n]/.test(`${authorization}${database}`))
    throw new InvalidInputError("HISTORY_URL_INVALID", "the address of InfluxDB holds a line break");
  const port = url.port === "" ? 8086 : Number(url.port);
  return {
    protocol,
    host: url.hostname.replaceAll(/^\[|\]$/g, ""),
    port,
    prefix,
    database,
    authorization,
    label: `${protocol}://${url.hostname}:${port}${prefix}/${database}`,
  };
}
