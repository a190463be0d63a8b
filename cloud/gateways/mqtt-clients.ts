import type { Clock } from "#core/clock.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import { type GatewayId, gatewayId, ID_PART } from "#core/ids.ts";
import type { Db } from "../db/database.ts";
import type {
  Actor,
  AuditLog,
  ForeignClient,
  ForeignClientEntry,
  ForeignClientService,
  SiteCatalog,
} from "../ports.ts";
import { newPassword, PasswordCheck, type PasswordHash } from "./password-check.ts";
import type { MqttClientTables } from "./tables.ts";

/** Most foreign clients of one site. */
const MAX_CLIENTS = 1000;

/** What MqttClients works with. */
export interface MqttClientsDeps {
  readonly db: Db;
  readonly catalog: Pick<SiteCatalog, "site" | "gateways" | "spaces">;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
  /** Names of host applications that are ours. */
  readonly reserved: readonly string[];
  readonly passwords?: PasswordCheck;
}

type ForeignNodeEntry = Extract<ForeignClientEntry, { kind: "foreignNode" }>;
type Known = PasswordHash & { readonly entry: ForeignClientEntry };

/**
 * Credentials of the broker's foreign clients: host applications that read the site, and edge nodes of other makers. The
 * user name is the client's name; it holds no colon and so is never a gateway's. The database keeps a hash.
 */
export class MqttClients implements ForeignClientService {
  readonly #deps: MqttClientsDeps;
  readonly #passwords: PasswordCheck;
  readonly #known = new Map<string, Known>();
  readonly #nodes = new Map<string, ForeignNodeEntry>();
  readonly #listeners: ((entry: ForeignClientEntry) => void)[] = [];

  constructor(deps: MqttClientsDeps) {
    this.#deps = deps;
    this.#passwords = deps.passwords ?? new PasswordCheck();
    const { db } = deps;
    for (const row of db.sync.all(db.kysely.selectFrom("mqtt_clients").selectAll().orderBy("name")))
      this.#keep({ entry: entryOf(row), salt: row.salt, hash: row.hash });
  }

  list(): readonly ForeignClientEntry[] {
    return [...this.#known.values()].map(({ entry }) => entry).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The foreign edge node of this id, unless a gateway of ours has taken its place. */
  node(id: string): ForeignNodeEntry | undefined {
    // Asked for each message: for a gateway of ours it costs one look.
    const entry = this.#nodes.get(id);
    return entry === undefined || this.#isGateway(id) ? undefined : entry;
  }

  /** Told after a client was removed: its connection is to end, its points to go. */
  onRemoved(listener: (entry: ForeignClientEntry) => void): void {
    this.#listeners.push(listener);
  }

  async add(client: ForeignClient, actor: Actor): Promise<{ password: string; entry: ForeignClientEntry }> {
    this.#check(client);
    const { password, salt, hash } = await newPassword();
    // Somebody may have made one of this name while the hash was made.
    this.#check(client);
    const { db, audit, clock } = this.#deps;
    const entry = { ...client, createdAt: clock.now() };
    db.sync.transaction(() => {
      db.sync.run(db.kysely.insertInto("mqtt_clients").values({ ...rowOf(entry), salt, hash }));
      audit.append({ actor: actor.name, action: "mqttClient.add", target: client.name, result: "ok", ...ipOf(actor) });
    });
    this.#keep({ entry, salt, hash });
    return { password, entry };
  }

  remove(name: string, actor: Actor): boolean {
    const known = this.#known.get(name);
    if (known === undefined) return false;
    const { db, audit } = this.#deps;
    db.sync.transaction(() => {
      db.sync.run(db.kysely.deleteFrom("mqtt_clients").where("name", "=", name));
      audit.append({ actor: actor.name, action: "mqttClient.remove", target: name, result: "ok", ...ipOf(actor) });
    });
    this.#known.delete(name);
    if (known.entry.kind === "foreignNode") this.#nodes.delete(known.entry.node);
    this.#passwords.forget(name);
    for (const listener of this.#listeners) listener(known.entry);
    return true;
  }

  /** The client these belong to, or undefined. @throws CREDENTIAL_BUSY when too many are being checked */
  async verify(username: string, password: string): Promise<ForeignClient | undefined> {
    const known = this.#known.get(username);
    if (known === undefined || !(await this.#passwords.matches(username, password, known))) return undefined;
    // It may have been removed while its password was checked, and a gateway of ours goes before a foreign node.
    if (this.#known.get(username) !== known) return undefined;
    const { entry } = known;
    return entry.kind === "foreignNode" && this.#isGateway(entry.node) ? undefined : entry;
  }

  #keep(known: Known): void {
    const { entry } = known;
    this.#known.set(entry.name, known);
    if (entry.kind === "foreignNode") this.#nodes.set(entry.node, entry);
  }

  #isGateway(id: string): boolean {
    return this.#deps.catalog.gateways().some((gateway) => gateway.id === id);
  }

  #check(client: ForeignClient): void {
    const { catalog, reserved } = this.#deps;
    for (const part of [client.name, client.clientId])
      if (!ID_PART.test(part)) throw new InvalidInputError("ID_INVALID", `"${part}": expected ${ID_PART.source}`);
    const known = [...this.#known.values()].map(({ entry }) => entry);
    if (known.length >= MAX_CLIENTS)
      throw new HubError("MQTT_CLIENT_LIMIT", `${MAX_CLIENTS} MQTT clients are the most`);
    const taken = known.find(({ name, clientId }) => name === client.name || clientId === client.clientId);
    if (taken !== undefined)
      throw new HubError("MQTT_CLIENT_EXISTS", `MQTT client ${client.name}: ${taken.name} has this name or client id`);
    if (client.kind === "reader") {
      // Its name is its host id: it would speak for us.
      if (reserved.includes(client.name))
        throw new InvalidInputError("MQTT_NAME_RESERVED", `MQTT client ${client.name}: the name is our own host id`);
      return;
    }
    const { node, space } = client;
    gatewayId(node);
    if (!node.startsWith(`${catalog.site}/`))
      throw new InvalidInputError("ID_INVALID", `edge node ${node}: expected ${catalog.site}/<edge node id>`);
    if (this.#isGateway(node) || known.some((entry) => entry.kind === "foreignNode" && entry.node === node))
      throw new HubError("MQTT_NODE_TAKEN", `edge node ${node}: there is one of this id`);
    if (!catalog.spaces().some(({ id }) => id === space))
      throw new InvalidInputError("SPACE_UNKNOWN", `space ${space}: no such space`);
  }
}

const ipOf = ({ ip }: Actor): { ip?: string } => (ip === undefined ? {} : { ip });

type Row = Omit<MqttClientTables["mqtt_clients"], "salt" | "hash">;

function rowOf(entry: ForeignClientEntry): Row {
  const { name, kind, clientId, createdAt } = entry;
  const own =
    entry.kind === "reader"
      ? { node: null, space: null, may_command: entry.mayCommand ? 1 : 0 }
      : { node: entry.node, space: entry.space, may_command: 0 };
  return { name, kind, client_id: clientId, created_at: createdAt, ...own };
}

function entryOf({ name, kind, client_id: clientId, node, space, may_command, created_at }: Row): ForeignClientEntry {
  const common = { name, clientId, createdAt: created_at };
  if (kind === "reader") return { kind, ...common, mayCommand: may_command === 1 };
  return { kind, ...common, node: (node ?? "") as GatewayId, space: space ?? "" };
}
