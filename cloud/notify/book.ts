import type { Clock } from "#core/clock.ts";
import {
  type NotifyKind,
  NotifyKind as NotifyKinds,
  type NotifyObjects,
  type NotifyVersion,
} from "#core/contracts/notify.ts";
import { CHANNEL_SECRETS } from "#core/contracts/notify-channel.ts";
import type { Db } from "../db/database.ts";
import type { Change, Kept } from "../notify-ports.ts";
import { decodeCursor, encodeCursor } from "../paging.ts";
import type { Actor, AuditLog, PageRequest, PageResult } from "../ports.ts";
import { iso } from "../time.ts";
import { checkObject } from "./book-check.ts";
import { NotifyError } from "./errors.ts";
import type { SecretFile } from "./secret-file.ts";

/** Most objects of a kind. */
const MOST = 500;
/** Versions of one object that are kept. */
const KEPT_VERSIONS = 1000;
/** The position that looks after everything until somebody parts the site. */
const FIRST_POSITION = "control-room";

/** What the book is kept with. */
export interface BookDeps {
  readonly db: Db;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
  readonly secrets: SecretFile;
  /** Is it a space of the site? */
  readonly knowsSpace: (space: string) => boolean;
  /** Is it a user of the hub? */
  readonly knowsUser: (user: string) => boolean;
}

/** Positions, contacts, rotas, channels and rules: in memory as they are now, in the database in all their versions. */
export class NotifyBook {
  readonly #deps: BookDeps;
  readonly #kept = new Map<NotifyKind, Map<string, Kept<NotifyKind>>>();
  /** Lists in their order: asked for with each alarm of a flood. */
  readonly #lists = new Map<NotifyKind, readonly Kept<NotifyKind>[]>();
  readonly #listeners: (() => void)[] = [];

  /** Reads what is kept; an empty book begins with one position for the whole site. */
  constructor(deps: BookDeps) {
    this.#deps = deps;
    const { db } = deps;
    for (const kind of NotifyKinds.enum) this.#kept.set(kind, new Map());
    for (const row of db.sync.all(db.kysely.selectFrom("notify_objects").selectAll().orderBy("kind").orderBy("id"))) {
      const document = JSON.parse(row.document) as NotifyObjects[NotifyKind];
      this.#kept.get(row.kind as NotifyKind)?.set(row.id, { id: row.id, version: row.version, document });
    }
    const written = db.sync.get(db.kysely.selectFrom("notify_versions").select("id").limit(1));
    if (written === undefined)
      this.put(
        {
          kind: "positions",
          id: FIRST_POSITION,
          version: 0,
          document: { name: "值班室", nameEn: "Control room", areas: [], categories: [] },
        },
        { name: "system", grants: [] },
      );
  }

  /** Called after each change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** All of a kind, by id. */
  list<K extends NotifyKind>(kind: K): readonly Kept<K>[] {
    const known = this.#lists.get(kind) as readonly Kept<K>[] | undefined;
    const list = known ?? [...this.#of(kind).values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    this.#lists.set(kind, list);
    return list;
  }

  get<K extends NotifyKind>(kind: K, id: string): Kept<K> | undefined {
    return this.#of(kind).get(id);
  }

  /** Names of the secrets that a channel has. */
  secretsSet(channel: string): readonly string[] {
    return Object.keys(this.#deps.secrets.of(channel)).sort();
  }

  /**
   * Writes a new version.
   * @throws NOTIFY_VERSION_STALE, NOTIFY_REFERENCE_UNKNOWN, NOTIFY_INVALID, NOTIFY_TOO_MANY
   */
  put<K extends NotifyKind>(change: Change<K>, actor: Actor): Kept<K> {
    const { kind, id, version, document, secrets = {}, why } = change;
    const held = this.get(kind, id);
    this.#requireVersion(kind, id, version);
    if (held === undefined && this.#of(kind).size >= MOST)
      throw new NotifyError("NOTIFY_TOO_MANY", `${kind}: expected at most ${MOST}`);
    checkObject(change, { ...this.#deps, has: (of, one) => this.#of(of).has(one) });
    const names = channelSecretNames(document);
    const foreign = Object.keys(secrets).find((name) => !names.includes(name));
    if (foreign !== undefined) throw new NotifyError("NOTIFY_INVALID", `${kind}/${id}: has no secret ${foreign}`);
    // First: a channel that knows its secret before it is there does no harm, one without it fails.
    if (kind === "channels") this.#deps.secrets.change(id, secrets);
    const next = this.#write(kind, id, document, actor, { why, secrets: Object.keys(secrets) });
    const kept: Kept<K> = { id, version: next, document };
    this.#of(kind).set(id, kept);
    this.#tell();
    return kept;
  }

  /** False when there is none. @throws NOTIFY_VERSION_STALE, NOTIFY_IN_USE */
  remove(kind: NotifyKind, id: string, version: number, actor: Actor, why?: string): boolean {
    if (this.get(kind, id) === undefined) return false;
    this.#requireVersion(kind, id, version);
    const user = this.#userOf(kind, id);
    if (user !== undefined) throw new NotifyError("NOTIFY_IN_USE", `${kind}/${id}: ${user} needs it`);
    this.#write(kind, id, undefined, actor, { why, secrets: [] });
    this.#of(kind).delete(id);
    if (kind === "channels") this.#deps.secrets.remove(id);
    this.#tell();
    return true;
  }

  /** Versions of one object or of all, newest first. @throws CURSOR_INVALID */
  versions(query: PageRequest & { kind?: NotifyKind; id?: string }): PageResult<NotifyVersion> {
    const { db } = this.#deps;
    const keys = decodeCursor(query.cursor, ["number", "string", "string", "number"]);
    let rows = db.kysely.selectFrom("notify_versions").selectAll();
    if (query.kind !== undefined) rows = rows.where("kind", "=", query.kind);
    if (query.id !== undefined) rows = rows.where("id", "=", query.id);
    if (keys !== undefined) {
      const [at, kind, id, version] = [Number(keys[0]), String(keys[1]), String(keys[2]), Number(keys[3])];
      rows = rows.where((e) => e(e.refTuple("at", "kind", "id", "version"), "<", e.tuple(at, kind, id, version)));
    }
    const found = db.sync.all(
      rows
        .orderBy("at", "desc")
        .orderBy("kind", "desc")
        .orderBy("id", "desc")
        .orderBy("version", "desc")
        .limit(query.limit + 1),
    );
    const items = found.slice(0, query.limit);
    const last = items.at(-1);
    return {
      items: items.map((row) => ({
        kind: row.kind as NotifyKind,
        id: row.id,
        version: row.version,
        document: row.document === null ? null : (JSON.parse(row.document) as unknown),
        by: row.changed_by,
        ...(row.why === null ? {} : { why: row.why }),
        at: iso(row.at),
      })),
      ...(found.length > items.length && last !== undefined
        ? { nextCursor: encodeCursor([last.at, last.kind, last.id, last.version]) }
        : {}),
    };
  }

  #of<K extends NotifyKind>(kind: K): Map<string, Kept<K>> {
    return this.#kept.get(kind) as unknown as Map<string, Kept<K>>;
  }

  #requireVersion(kind: NotifyKind, id: string, version: number): void {
    const held = this.get(kind, id)?.version ?? 0;
    if (held !== version)
      throw new NotifyError("NOTIFY_VERSION_STALE", `${kind}/${id}: is at version ${held}, expected ${version}`);
  }

  /** What refers to an object and would break without it. */
  #userOf(kind: NotifyKind, id: string): string | undefined {
    if (kind === "positions" && this.#of("positions").size === 1) return "the site";
    const rule = this.list("rules").find(({ document: { position, steps } }) => {
      const targets = steps.flatMap(({ to }) => to);
      if (kind === "positions")
        return position === id || targets.some((to) => to.type === "onCall" && to.position === id);
      if (kind === "contacts") return targets.some((to) => to.type === "contact" && to.contact === id);
      return kind === "channels" && steps.some(({ channels }) => channels.includes(id));
    });
    if (rule !== undefined) return `rule ${rule.id}`;
    if (kind !== "contacts") return undefined;
    const rota = this.list("rotas").find(({ document: { slots, overrides, otherwise } }) =>
      [otherwise, ...slots.map(({ contacts }) => contacts), ...overrides.map(({ contacts }) => contacts)].some((on) =>
        on.includes(id),
      ),
    );
    return rota && `rota ${rota.id}`;
  }

  #write(
    kind: NotifyKind,
    id: string,
    document: NotifyObjects[NotifyKind] | undefined,
    actor: Actor,
    { why, secrets }: { why: string | undefined; secrets: readonly string[] },
  ): number {
    const { db, audit, clock } = this.#deps;
    const { kysely, sync } = db;
    return sync.transaction(() => {
      // Numbers go on where a removed one of the same id has ended.
      const last = kysely.selectFrom("notify_versions").select((e) => e.fn.max<number | null>("version").as("last"));
      const version = (sync.get(last.where("kind", "=", kind).where("id", "=", id))?.last ?? 0) + 1;
      const text = document === undefined ? null : JSON.stringify(document);
      const said = { changed_by: actor.name, why: why ?? null, at: clock.now() };
      sync.run(kysely.insertInto("notify_versions").values({ kind, id, version, document: text, ...said }));
      const old = kysely.deleteFrom("notify_versions").where("kind", "=", kind).where("id", "=", id);
      sync.run(old.where("version", "<=", version - KEPT_VERSIONS));
      if (text === null) sync.run(kysely.deleteFrom("notify_objects").where("kind", "=", kind).where("id", "=", id));
      else {
        const now = { version, document: text };
        sync.run(
          kysely
            .insertInto("notify_objects")
            .values({ kind, id, ...now })
            .onConflict((c) => c.columns(["kind", "id"]).doUpdateSet(now)),
        );
      }
      audit.append({
        actor: actor.name,
        action: `notify.${kind}.${text === null ? "remove" : "put"}`,
        target: id,
        result: "ok",
        detail: { version, ...(why === undefined ? {} : { why }), ...(secrets.length === 0 ? {} : { secrets }) },
        ...(actor.ip === undefined ? {} : { ip: actor.ip }),
      });
      return version;
    });
  }

  #tell(): void {
    this.#lists.clear();
    for (const listener of this.#listeners) listener();
  }
}

function channelSecretNames(document: NotifyObjects[NotifyKind]): readonly string[] {
  return "type" in document ? CHANNEL_SECRETS[document.type] : [];
}
