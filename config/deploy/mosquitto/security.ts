import { pbkdf2Sync, randomBytes } from "node:crypto";
import { gatewayClientId, hubTopic } from "#core/contracts/topics.ts";
import { InvalidInputError } from "#core/errors.ts";
import { NAMESPACE } from "#core/sparkplug/topic.ts";

/** User name and password of one client of the broker. */
export interface BrokerLogin {
  readonly username: string;
  readonly password: string;
}

/** What the security file is made from. */
export interface MosquittoClients {
  readonly site: string;
  /** Sparkplug host id of the cloud. */
  readonly host: string;
  readonly cloud: BrokerLogin;
  /** `username` is `<site>:<gateway>`, as in credential.json. */
  readonly gateways: readonly BrokerLogin[];
  /** Foreign edge nodes: user name, client id and edge node id are registered with the cloud as well. */
  readonly foreignNodes?: readonly (BrokerLogin & { readonly clientId: string; readonly edgeNode: string })[];
  /** Foreign hosts; the user name is their host id. */
  readonly readers?: readonly (BrokerLogin & { readonly clientId: string; readonly mayCommand: boolean })[];
}

/** The passwords are 24 random bytes: nobody guesses them, however fast. */
const ITERATIONS = 1_000;
const SALT_BYTES = 12;
const HASH_BYTES = 64;

type Kind = "publishClientSend" | "subscribeLiteral" | "subscribePattern";
interface Acl {
  readonly acltype: Kind;
  readonly topic: string;
  readonly priority: number;
  readonly allow: true;
}

const allow = (acltype: Kind, topics: readonly string[]): readonly Acl[] =>
  topics.map((topic) => ({ acltype, topic, priority: 0, allow: true }));

function secret(password: string): { password: string; salt: string; iterations: number } {
  const salt = randomBytes(SALT_BYTES);
  const hash = pbkdf2Sync(password, salt, ITERATIONS, HASH_BYTES, "sha512");
  return { password: hash.toString("base64"), salt: salt.toString("base64"), iterations: ITERATIONS };
}

/** What an edge node says and hears in Sparkplug. */
function nodeAcls(site: string, node: string): readonly Acl[] {
  return [
    ...allow("publishClientSend", [
      ...["NBIRTH", "NDATA", "NDEATH"].map((type) => `${NAMESPACE}/${site}/${type}/${node}`),
      ...["DBIRTH", "DDATA", "DDEATH"].map((type) => `${NAMESPACE}/${site}/${type}/${node}/+`),
    ]),
    ...allow("subscribePattern", [
      `${NAMESPACE}/${site}/NCMD/${node}/#`,
      `${NAMESPACE}/${site}/DCMD/${node}/#`,
      `${NAMESPACE}/STATE/#`,
    ]),
  ];
}

function gatewayAcls(site: string, gateway: string): readonly Acl[] {
  return [
    ...nodeAcls(site, gateway),
    ...allow("publishClientSend", [hubTopic(site, gateway, "events")]),
    ...allow(
      "subscribeLiteral",
      (["ack", "commands", "config"] as const).map((kind) => hubTopic(site, gateway, kind)),
    ),
  ];
}

function cloudAcls(site: string, host: string): readonly Acl[] {
  return [
    ...allow("publishClientSend", [
      `${NAMESPACE}/${site}/NCMD/+`,
      `${NAMESPACE}/STATE/${host}`,
      ...(["ack", "commands", "config"] as const).map((kind) => hubTopic(site, "+", kind)),
    ]),
    ...allow("subscribePattern", [
      `${NAMESPACE}/${site}/#`,
      `${NAMESPACE}/STATE/${host}`,
      hubTopic(site, "+", "events"),
    ]),
  ];
}

function gatewayOf(site: string, username: string): string {
  const prefix = gatewayClientId(site, "");
  if (username.startsWith(prefix)) return username.slice(prefix.length);
  throw new InvalidInputError("BROKER_SECURITY", `gateway "${username}": expected a user name ${prefix}<gateway>`);
}

/**
 * The configuration of Mosquitto's dynamic security: every client with its client id, and a role of its own with its own
 * topics. A password file cannot hold our user names, for they contain a colon. @throws BROKER_SECURITY
 */
export function mosquittoSecurity(clients: MosquittoClients): string {
  const { site, host, cloud, gateways, foreignNodes = [], readers = [] } = clients;
  const entries: { login: BrokerLogin; clientId?: string; acls: readonly Acl[] }[] = [
    { login: cloud, acls: cloudAcls(site, host) },
    ...gateways.map((login) => ({
      login,
      clientId: login.username,
      acls: gatewayAcls(site, gatewayOf(site, login.username)),
    })),
    ...foreignNodes.map(({ edgeNode, clientId, ...login }) => ({ login, clientId, acls: nodeAcls(site, edgeNode) })),
    ...readers.map(({ mayCommand, clientId, ...login }) => ({
      login,
      clientId,
      acls: [
        ...allow("subscribePattern", [`${NAMESPACE}/#`]),
        ...allow("publishClientSend", [
          `${NAMESPACE}/STATE/${login.username}`,
          ...(mayCommand ? [`${NAMESPACE}/${site}/NCMD/+`] : []),
        ]),
      ],
    })),
  ];
  const names = entries.map(({ login }) => login.username);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new InvalidInputError("BROKER_SECURITY", `user name "${twice}" is there twice`);
  return `${JSON.stringify(
    {
      defaultACLAccess: {
        publishClientSend: false,
        publishClientReceive: true,
        subscribe: false,
        unsubscribe: true,
      },
      clients: entries.map(({ login: { username, password }, clientId }) => ({
        username,
        ...(clientId === undefined ? {} : { clientid: clientId }),
        roles: [{ rolename: username }],
        ...secret(password),
      })),
      groups: [],
      roles: entries.map(({ login, acls }) => ({ rolename: login.username, acls })),
    },
    undefined,
    2,
  )}\n`;
}
