import { InvalidInputError } from "#core/errors.ts";

/** Where an external broker is and who we are there. */
export interface BrokerAddress {
  /** `mqtt://host:port` or `mqtts://host:port`, without user and password: for people and logs. */
  readonly url: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

const PORTS: Readonly<Record<string, string>> = { "mqtt:": "1883", "mqtts:": "8883" };

/** Parses `mqtt(s)://user:password@host:port`; user and password percent-encoded. @throws BROKER_URL, which never tells the text itself */
export function brokerAddress(text: string): BrokerAddress {
  const url = URL.parse(text);
  const defaultPort = PORTS[url?.protocol ?? ""];
  if (url === null || defaultPort === undefined || url.hostname === "")
    throw new InvalidInputError("BROKER_URL", "broker URL: expected mqtt://user:password@host:1883 or mqtts://...");
  const { protocol, hostname, port, username, password } = url;
  try {
    return {
      url: `${protocol}//${hostname}:${port === "" ? defaultPort : port}`,
      username: username === "" ? undefined : decodeURIComponent(username),
      password: password === "" ? undefined : decodeURIComponent(password),
    };
  } catch {
    throw new InvalidInputError("BROKER_URL", "broker URL: user name or password is not percent-encoded");
  }
}
