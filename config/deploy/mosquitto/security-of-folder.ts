import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { InvalidInputError } from "#core/errors.ts";
import { type BrokerLogin, type MosquittoClients, mosquittoSecurity } from "./security.ts";

/** Sparkplug host id of the cloud. */
const HOST = "parkhub";

const Credential = Type.Object({
  username: Type.String({ pattern: "^[^:]+:[^:]+$" }),
  password: Type.String({ minLength: 1 }),
});

/** Answers of `POST /api/v1/mqtt-clients`, as they came. */
const ForeignClients = Type.Array(
  Type.Union([
    Type.Object({
      kind: Type.Enum(["reader"]),
      name: Type.String(),
      clientId: Type.String(),
      mayCommand: Type.Boolean(),
      password: Type.String({ minLength: 1 }),
    }),
    Type.Object({
      kind: Type.Enum(["foreignNode"]),
      name: Type.String(),
      clientId: Type.String(),
      node: Type.String({ pattern: "^[^/]+/[^/]+$" }),
      password: Type.String({ minLength: 1 }),
    }),
  ]),
);

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new InvalidInputError("BROKER_SECURITY", `${file}: cannot be read as JSON`, { cause });
  }
}

function gatewaysOf(data: string): readonly BrokerLogin[] {
  const folder = path.join(data, "gateways");
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const file = path.join(folder, name, "credential.json");
      const credential = readJson(file);
      if (Check(Credential, credential)) return credential;
      throw new InvalidInputError("BROKER_SECURITY", `${file}: expected user name <site>:<gateway> and password`);
    });
}

function cloudOf(brokerUrl: string): BrokerLogin {
  const url = URL.parse(brokerUrl);
  if (url === null || url.username === "" || url.password === "")
    throw new InvalidInputError("BROKER_SECURITY", "PARKHUB_BROKER_URL: expected mqtt://user:password@host:port");
  return { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
}

function foreignOf(file: string | undefined): Pick<MosquittoClients, "foreignNodes" | "readers"> {
  if (file === undefined) return {};
  const clients = readJson(file);
  if (!Check(ForeignClients, clients))
    throw new InvalidInputError("BROKER_SECURITY", `${file}: expected a list of answers of POST /api/v1/mqtt-clients`);
  const login = ({ name, password, clientId }: Static<typeof ForeignClients>[number]) => ({
    username: name,
    password,
    clientId,
  });
  return {
    foreignNodes: clients.flatMap((client) =>
      client.kind === "foreignNode" ? [{ ...login(client), edgeNode: client.node.split("/")[1] ?? "" }] : [],
    ),
    readers: clients.flatMap((client) =>
      client.kind === "reader" ? [{ ...login(client), mayCommand: client.mayCommand }] : [],
    ),
  };
}

/**
 * Mosquitto's security file for a site: the cloud as in PARKHUB_BROKER_URL, the gateways as in
 * `<data>/gateways/<gateway>/credential.json`, and foreign clients from a file of the answers with which they were made.
 * @throws BROKER_SECURITY
 */
export function securityOfFolder(data: string, brokerUrl: string, foreignClients?: string): string {
  const gateways = gatewaysOf(data);
  const sites = new Set(gateways.map(({ username }) => username.split(":")[0] ?? ""));
  const [site] = sites;
  if (site === undefined || sites.size > 1)
    throw new InvalidInputError("BROKER_SECURITY", `${data}: expected gateways of one site, got ${sites.size} sites`);
  return mosquittoSecurity({ site, host: HOST, cloud: cloudOf(brokerUrl), gateways, ...foreignOf(foreignClients) });
}

/** Writes a file that only its owner reads, whole or not at all. */
export function writeSecret(file: string, text: string): void {
  const partial = `${file}.partial`;
  writeFileSync(partial, text, { mode: 0o600 });
  renameSync(partial, file);
}
