import type { Selectable } from "kysely";
import type { CommandView } from "#core/contracts/commands.ts";
import type { Command } from "#core/model/command.ts";
import type { Value } from "#core/model/sample.ts";
import type { Db } from "../db/database.ts";
import type { BlobUse, BlobUser } from "../media-ports.ts";
import { iso } from "../time.ts";
import type { CommandTables } from "./tables.ts";

/** One command as stored. */
export type CommandRow = Selectable<CommandTables["commands"]>;

const OPEN = ["pending", "sent"] as const;

/** Commands in the record database. */
export class CommandStore implements BlobUser {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  add(row: CommandRow): void {
    this.#db.sync.run(this.#db.kysely.insertInto("commands").values(row));
  }

  get(id: string): CommandRow | undefined {
    return this.#db.sync.get(this.#db.kysely.selectFrom("commands").selectAll().where("id", "=", id));
  }

  /** Made from `from` to `to`, Unix ms, both inclusive, oldest first. */
  between(from: number, to: number, limit: number): readonly CommandRow[] {
    const { kysely, sync } = this.#db;
    const made = kysely
      .selectFrom("commands")
      .selectAll()
      .where("created_at", ">=", from)
      .where("created_at", "<=", to);
    return sync.all(made.orderBy("created_at").orderBy("id").limit(limit));
  }

  /** What the same requester has asked for under the same key before. */
  byKey(requestedBy: string, key: string): CommandRow | undefined {
    return this.#db.sync.get(
      this.#db.kysely
        .selectFrom("commands")
        .selectAll()
        .where("requested_by", "=", requestedBy)
        .where("idempotency_key", "=", key),
    );
  }

  /** Commands without a result, oldest first. */
  open(): readonly CommandRow[] {
    return this.#db.sync.all(
      this.#db.kysely
        .selectFrom("commands")
        .selectAll()
        .where("status", "in", OPEN)
        .orderBy("created_at")
        .orderBy("id"),
    );
  }

  sent(id: string, at: number): void {
    this.#db.sync.run(
      this.#db.kysely.updateTable("commands").set({ status: "sent", sent_at: at }).where("id", "=", id),
    );
  }

  finish(
    id: string,
    end: Pick<CommandRow, "status" | "code" | "message" | "read_back" | "blob" | "finished_at">,
  ): void {
    this.#db.sync.run(this.#db.kysely.updateTable("commands").set(end).where("id", "=", id));
  }

  remove(id: string): void {
    this.#db.sync.run(this.#db.kysely.deleteFrom("commands").where("id", "=", id));
  }

  usesOf(hashes: readonly string[]): readonly BlobUse[] {
    if (hashes.length === 0) return [];
    const { kysely, sync } = this.#db;
    return sync
      .all(kysely.selectFrom("commands").select("document").select("blob").where("blob", "in", hashes))
      .flatMap((row) => (row.blob === null || isPicture(commandOf(row)) ? [] : [row.blob]))
      .map((sha256) => ({ sha256, class: "result", held: false }));
  }

  /** Commands are records: they are told as having had a result that is no longer here. */
  forget(): void {}

  /** The commands that a blob came from. */
  ofBlob(sha256: string): readonly Command[] {
    const { kysely, sync } = this.#db;
    return sync.all(kysely.selectFrom("commands").select("document").where("blob", "=", sha256)).map(commandOf);
  }
}

/** Pictures and clips have a record of their own, which says how long they are kept and who may see them. */
export function isPicture(command: Command): boolean {
  return command.kind === "action" && (command.action === "snapshot" || command.action === "recordClip");
}

/** Has it got no result yet? */
export function isOpen({ status }: Pick<CommandRow, "status">): boolean {
  return (OPEN as readonly string[]).includes(status);
}

/** The command as it is sent. */
export function commandOf(row: Pick<CommandRow, "document">): Command {
  return JSON.parse(row.document) as Command;
}

/** The command in the shape of the HTTP API. */
export function commandView(row: CommandRow): CommandView {
  const command = commandOf(row);
  return {
    id: row.id,
    status: row.status,
    ...(command.kind === "write" ? { point: command.point, value: command.value, priority: command.priority } : {}),
    ...(command.kind === "action" ? { device: command.device, action: command.action } : {}),
    ...(row.code === null ? {} : { code: row.code }),
    ...(row.message === null ? {} : { message: row.message }),
    ...(row.read_back === null ? {} : { readBack: JSON.parse(row.read_back) as Value }),
    ...(row.blob === null ? {} : { blob: `/api/v1/blobs/${row.blob}` }),
    ...(command.reason === undefined ? {} : { reason: command.reason }),
    requestedBy: row.requested_by,
    createdAt: iso(row.created_at),
    expiresAt: iso(row.expires_at),
    ...(row.finished_at === null ? {} : { finishedAt: iso(row.finished_at) }),
  };
}
