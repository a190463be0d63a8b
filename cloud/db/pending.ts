import type { Migration } from "kysely/migration";
import { DbError } from "./errors.ts";

/**
 * Names of the migrations that a database has yet to see. `applied`: those it has.
 * @throws DB_NEWER when it has seen one that this version does not know
 */
export function pendingMigrations(
  database: string,
  applied: readonly string[],
  migrations: Readonly<Record<string, Migration>>,
): readonly string[] {
  const newer = applied.filter((name) => !Object.hasOwn(migrations, name));
  if (newer.length > 0)
    throw new DbError(
      "DB_NEWER",
      `${database} was written by a newer version of Parkhub (it knows ${newer.join(", ")}): start that version, or restore a backup`,
    );
  return Object.keys(migrations).filter((name) => !applied.includes(name));
}
