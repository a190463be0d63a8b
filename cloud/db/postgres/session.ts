import type { Client } from "pg";
import { DbError } from "../errors.ts";
import { sqlStateOf } from "./errors.ts";

/** Longest one statement may take, ms. Whoever asked is blocked meanwhile. */
const STATEMENT_TIMEOUT_MS = 4000;
const LOCK_TIMEOUT_MS = 2000;

/** Nothing may block for long, and values are written as values.ts reads them. */
const SETTINGS: Readonly<Record<string, string>> = {
  statement_timeout: String(STATEMENT_TIMEOUT_MS),
  lock_timeout: String(LOCK_TIMEOUT_MS),
  idle_in_transaction_session_timeout: "30000",
  bytea_output: "hex",
};

/** Lets the server notice a dead client, and so free its lock, within 5 s, where its platform can. */
const WATCHFUL: Readonly<Record<string, string>> = {
  tcp_keepalives_idle: "2",
  tcp_keepalives_interval: "1",
  tcp_keepalives_count: "3",
  tcp_user_timeout: "5000",
  client_connection_check_interval: "1000",
};

/** Who holds the database, a lock of the session: the server frees it with the session, after what that still had to commit. */
const HOLD = "select pg_try_advisory_lock(hashtextextended('parkhub records ' || current_schema(), 0)) as held";

async function value(client: Client, sql: string, parameters: readonly unknown[] = []): Promise<unknown> {
  const { rows } = await client.query<Record<string, unknown>>(sql, [...parameters]);
  return Object.values(rows[0] ?? {})[0];
}

/** @throws what is no refusal of the server: then there is no session to prepare */
function unlessRefused(error: unknown): void {
  if (sqlStateOf(error) === undefined) throw error;
}

/** Prepares a new session. @throws DB_REFUSED when there is no schema to work in */
export async function prepareSession(client: Client): Promise<{ readonly version: string; readonly durable: boolean }> {
  for (const [name, setting] of Object.entries(SETTINGS))
    await client.query("select set_config($1, $2, false)", [name, setting]);
  // One that the server or its platform does not have is left to TCP.
  for (const [name, setting] of Object.entries(WATCHFUL))
    await client.query("select set_config($1, $2, false)", [name, setting]).catch(unlessRefused);
  // A COMMIT that has returned must be on the disk: what is acknowledged to a gateway rests on it.
  await client.query(
    "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'",
  );
  if ((await value(client, "select current_schema()")) === null)
    throw new DbError("DB_REFUSED", "the search_path of this user names no schema that exists");
  const durable = (await value(client, "select current_setting('fsync')")) === "on";
  return { version: String(await value(client, "show server_version")), durable };
}

/** Tries to become the one that holds the database. */
export async function hold(client: Client): Promise<boolean> {
  return (await value(client, HOLD)) === true;
}

/**
 * Writes down who holds the database; with `claim` false only looks whether that is still `owner`. A process keeps cursors in
 * memory, so it must not come back after another one has written.
 */
export async function owns(client: Client, owner: string, claim: boolean): Promise<boolean> {
  if (!claim) return (await value(client, "select owner from parkhub_owner where id = 1")) === owner;
  await client.query("create table if not exists parkhub_owner (id integer primary key, owner text not null)");
  await client.query(
    "insert into parkhub_owner (id, owner) values (1, $1) on conflict (id) do update set owner = excluded.owner",
    [owner],
  );
  return true;
}
