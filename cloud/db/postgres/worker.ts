import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import { Client } from "pg";
import { systemClock } from "#core/clock.ts";
import { DbError } from "../errors.ts";
import { postgresFault } from "./errors.ts";
import {
  type LinkNews,
  type LinkOrder,
  type LinkReply,
  type LinkRequest,
  type LinkWorkerData,
  SIGNAL,
} from "./messages.ts";
import { Pipeline, PreparedStatements } from "./pipeline.ts";
import { hold, owns, prepareSession } from "./session.ts";

/** Longest a connection may take to be made and prepared, and the server to say who holds the database, ms. */
const CONNECT_MS = 4000;
const RETRY_FIRST_MS = 50;
const RETRY_LONGEST_MS = 1000;
/** How long a new process waits for a dying one to let go. */
const HOLD_FIRST_MS = 5000;
const HOLD_AGAIN_MS = 50;
/** How long a server gets to take leave. */
const END_MS = 500;

interface Up {
  readonly client: Client;
  readonly prepared: PreparedStatements;
  readonly number: number;
}

const { url, owner, first, requests, signal } = workerData as LinkWorkerData;
let claimed = !first;
let up: Up | undefined;
let current: Client | undefined;
let closing = false;
let wake: (() => void) | undefined;
let lastReason = "";

function tell(news: LinkNews): void {
  parentPort?.postMessage(news);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    // Not the clock's timer, which keeps no thread alive: while it waits, there is nothing else that does.
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

/** Resolves when the connection is no more. */
function ended(client: Client): Promise<string> {
  return new Promise((resolve) => {
    let reason = "the connection was closed";
    client.on("error", (error) => {
      reason = error.message || error.name;
      client.connection.stream.destroy();
    });
    client.on("end", () => resolve(reason));
  });
}

/** Cuts the connection when an answer takes too long: what waits for it then fails. */
async function bounded<T>(client: Client, work: () => Promise<T>): Promise<T> {
  const timer = setTimeout(() => client.connection.stream.destroy(), CONNECT_MS);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until this process holds the database. False when another one goes on holding it. */
async function holds(client: Client): Promise<boolean> {
  const deadline = systemClock.monotonic() + HOLD_FIRST_MS;
  while (!closing) {
    if (await bounded(client, () => hold(client))) return true;
    if (!claimed && systemClock.monotonic() > deadline) return false;
    // Our own former session may still be dying; another process that has it is not waited for.
    if (claimed && !(await bounded(client, () => owns(client, owner, false)))) return false;
    await sleep(HOLD_AGAIN_MS);
  }
  return false;
}

/** Makes a connection and serves requests with it until it ends. @throws DB_IN_USE, DB_REFUSED, DB_UNAVAILABLE */
async function serve(): Promise<string> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS, keepAlive: true });
  current = client;
  const end = ended(client);
  try {
    const { version, durable } = await bounded(client, async () => {
      await client.connect();
      return prepareSession(client);
    });
    if (!(await holds(client))) throw new DbError("DB_IN_USE", "another cloud holds the record database");
    if (!(await bounded(client, () => owns(client, owner, !claimed))))
      throw new DbError("DB_IN_USE", "another cloud has taken the record database over: restart this one");
    claimed = true;
    up = { client, prepared: new PreparedStatements(), number: Atomics.add(signal, SIGNAL.made, 1) + 1 };
    Atomics.store(signal, SIGNAL.connection, up.number);
    tell({ type: "up", version, durable });
    return await end;
  } finally {
    Atomics.store(signal, SIGNAL.connection, 0);
    up = undefined;
    client.connection.stream.destroy();
    await end;
  }
}

/** Faults that no new try heals. */
function isFinal(error: DbError): boolean {
  return error.code === "DB_IN_USE" || (error.code === "DB_REFUSED" && !claimed);
}

async function run(): Promise<void> {
  let waitMs = RETRY_FIRST_MS;
  while (!closing) {
    const made = Atomics.load(signal, SIGNAL.made);
    let reason: string;
    try {
      reason = await serve();
    } catch (error) {
      if (closing) return;
      const fault = postgresFault(error, "cannot connect");
      if (isFinal(fault)) {
        tell({ type: "refused", code: fault.code, message: fault.message });
        return;
      }
      reason = fault.message;
    }
    if (closing) return;
    if (Atomics.load(signal, SIGNAL.made) > made) {
      waitMs = RETRY_FIRST_MS;
      lastReason = "";
    }
    if (reason !== lastReason) tell({ type: "down", reason });
    lastReason = reason;
    await sleep(waitMs);
    waitMs = Math.min(waitMs * 2, RETRY_LONGEST_MS);
  }
}

function answer(reply: LinkReply): void {
  requests.postMessage(reply);
  // The message lies in the port before the number says so: who waits for the number finds it.
  Atomics.store(signal, SIGNAL.answered, reply.id);
  Atomics.notify(signal, SIGNAL.answered);
}

async function take({ id, connection, statements }: LinkRequest): Promise<void> {
  if (up?.number !== connection) {
    answer({ id, ok: false, fault: { kind: "notSent", message: "the connection is gone" } });
    return;
  }
  const { client, prepared } = up;
  const result = await Pipeline.run(client, prepared, statements);
  if ("fault" in result && result.fault.kind === "lost") {
    // Before the answer: whoever gets it must not be sent to the same dead end again.
    Atomics.compareExchange(signal, SIGNAL.connection, connection, 0);
    client.connection.stream.destroy();
  }
  answer("fault" in result ? { id, ok: false, fault: result.fault } : { id, ok: true, outcomes: result.outcomes });
}

function close(): void {
  closing = true;
  wake?.();
  const client = current;
  if (client === undefined) return;
  const destroy = (): void => void client.connection.stream.destroy();
  if (up === undefined) destroy();
  // Terminate lets the server free the lock at once; one that hangs must not hold up the end.
  setTimeout(destroy, END_MS).unref();
  client.end().catch(destroy);
}

requests.on("message", (request: LinkRequest) => void take(request));
parentPort?.on("message", (order: LinkOrder) => {
  if (order.type === "close") close();
  else if (up?.number === order.connection) up.client.connection.stream.destroy();
});
await run();
Atomics.store(signal, SIGNAL.connection, 0);
requests.close();
parentPort?.close();
process.exitCode = 0;
