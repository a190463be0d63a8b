import type { Clock } from "#core/clock.ts";
import type { NotifyContact, NotifyRule, NotifyStep, NotifyTestResult } from "#core/contracts/notify.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { Db } from "../db/database.ts";
import type { Job, JobQueue } from "../job-ports.ts";
import type { NotifyBook } from "./book.ts";
import { type Channels, isShared, reaches } from "./channels.ts";
import { DeliveryError, NotifyError } from "./errors.ts";
import type { Delivery, Ledger, Mark } from "./ledger.ts";
import { type Message, MOST_NAMED } from "./message.ts";
import { onCallAt } from "./on-call.ts";
import type { SecretFile } from "./secret-file.ts";

/** Kind of the jobs that send one delivery each; the key is its id. */
const SEND_JOB = "notify-send";
/** Tries before the next channel has its turn: half a minute. */
const TRIES_WITH_FALLBACK = 4;
/** Tries of the last channel: about ten minutes. */
const TRIES = 10;
/** A channel that fails is told as a notice at most so often; the ledger has every failure. */
const NOTICE_EVERY_MS = 600_000;

/** What a system notice says. */
export interface FailureNotice {
  readonly at: number;
  readonly text: string;
  readonly textEn: string;
  readonly popup: boolean;
  readonly alarm?: string;
}

/** What the post office works with. */
export interface PostOfficeDeps {
  readonly db: Db;
  readonly jobs: Pick<JobQueue, "add" | "work">;
  readonly book: NotifyBook;
  readonly secrets: SecretFile;
  readonly ledger: Ledger;
  readonly channels: Channels;
  /** Keeps a notice for the consoles in the running transaction; what it returns runs after COMMIT. */
  readonly notice: (notice: FailureNotice) => () => void;
  readonly timeZone: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Alarms that go as one message, each with its mark. */
export interface Bundle {
  readonly rule: string;
  readonly step: number;
  readonly transition: string;
  readonly told: readonly (Mark & { readonly alarmTold: Message["alarms"][number] })[];
}

/** One way of one message. */
interface Route {
  readonly recipient: string;
  readonly channel: string;
  readonly contacts: readonly string[];
  readonly fallback: readonly string[];
}

/** Makes deliveries of what a step tells, hands them over through the job queue, and takes the next channel when one fails. */
export class PostOffice {
  readonly #deps: PostOfficeDeps;

  constructor(deps: PostOfficeDeps) {
    this.#deps = deps;
  }

  /** Takes up the jobs; what a former process has left is sent. Before the queue is started. */
  start(): void {
    const { jobs, ledger } = this.#deps;
    // The ledger gives up, not the queue: its limit is only for what the ledger cannot see.
    jobs.work(SEND_JOB, (job) => this.#send(job), { attempts: TRIES * 2 });
    for (const id of ledger.queued()) jobs.add({ kind: SEND_JOB, key: id });
  }

  /** Makes the deliveries of one step, in the running transaction. What it returns runs after COMMIT. */
  post(bundle: Bundle, rule: NotifyRule): () => void {
    const step = rule.steps[bundle.step];
    if (step === undefined) return () => undefined;
    const contacts = this.#contactsOf(step);
    const { routes, unreached } = this.#routes(step.channels, contacts);
    this.#take(bundle, routes);
    for (const contact of unreached) this.#skip(bundle, contact, "NOTIFY_UNREACHABLE: no channel of the step");
    if (routes.length > 0) return () => undefined;
    const nobody = contacts.length === 0 ? "NOTIFY_NOBODY: nobody is on call" : "NOTIFY_UNREACHABLE: nobody can be";
    return this.#tellFailure(
      { channel: null, rule: bundle.rule },
      {
        text: `通知规则“${rule.name}”没有可通知的人`,
        textEn: `Notification rule "${rule.name}" reaches nobody`,
        ...alarmOf(bundle),
      },
      (told) => this.#skip(bundle, "-", nobody, told),
    );
  }

  /** Writes into the ledger that alarms became known too late. */
  tooLate(bundle: Bundle): void {
    const { ledger } = this.#deps;
    const { rule, step } = bundle;
    const message = messageOf(bundle);
    const reason = "NOTIFY_TOO_LATE: known too long after it happened";
    ledger.add({ status: "tooLate", rule, step, recipient: "-", contacts: [], fallback: [], message, reason });
  }

  /** Sends a test message at once and writes it into the ledger. @throws NOTIFY_UNKNOWN, NOTIFY_UNREACHABLE */
  async test(channelId: string, contactId: string | undefined): Promise<NotifyTestResult> {
    const { book, ledger, secrets, channels, clock } = this.#deps;
    const channel = book.get("channels", channelId)?.document;
    if (channel === undefined) throw new NotifyError("NOTIFY_UNKNOWN", `there is no channel ${channelId}`);
    const contact = contactId === undefined ? undefined : book.get("contacts", contactId)?.document;
    if (contactId !== undefined && contact === undefined)
      throw new NotifyError("NOTIFY_UNKNOWN", `there is no contact ${contactId}`);
    if (contact === undefined ? !isShared(channel) : !reaches(channel, contact))
      throw new NotifyError("NOTIFY_UNREACHABLE", `${contactId ?? "nobody"} cannot be reached by ${channelId}`);
    const message: Message = { transition: "test", step: 0, total: 0, alarms: [] };
    const id = ledger.add({
      status: "queued",
      step: 0,
      recipient: isShared(channel) ? `channel:${channelId}` : (contactId ?? ""),
      contacts: contactId === undefined ? [] : [contactId],
      channel: channelId,
      fallback: [],
      message,
    });
    const contacts = contact === undefined ? [] : [contact];
    try {
      await channels.send(channel, secrets.of(channelId), { id, message, contacts, createdAt: clock.now() });
    } catch (error) {
      const reason = `${errorCode(error)}: ${errorMessage(error)}`;
      ledger.finish(id, { status: "givenUp", attempts: 1, reason });
      return { delivery: id, sent: false, reason };
    }
    ledger.finish(id, { status: "sent", attempts: 1, reason: null });
    return { delivery: id, sent: true };
  }

  #take(bundle: Bundle, routes: readonly Route[]): void {
    const { ledger, jobs } = this.#deps;
    const { rule, step } = bundle;
    for (const { recipient, channel, contacts, fallback } of routes) {
      const told = ledger.unmarked(bundle.told, step, recipient, channel);
      if (told.length === 0) continue;
      const message = messageOf({ ...bundle, told });
      const made = { status: "queued", rule, step, recipient, contacts, channel, fallback, message } as const;
      const delivery = ledger.add(made);
      ledger.mark(told, { step, recipient, channel, delivery });
      jobs.add({ kind: SEND_JOB, key: delivery });
    }
  }

  #skip(bundle: Bundle, recipient: string, reason: string, told = false): void {
    const { rule, step } = bundle;
    const message = messageOf(bundle);
    this.#deps.ledger.add({
      status: "skipped",
      rule,
      step,
      recipient,
      contacts: [],
      fallback: [],
      message,
      reason,
      told,
    });
  }

  #contactsOf({ to }: NotifyStep): readonly string[] {
    const { book, timeZone, clock } = this.#deps;
    const found = to.flatMap((target): readonly string[] => {
      switch (target.type) {
        case "onCall": {
          const rota = book.get("rotas", target.position)?.document;
          return rota === undefined ? [] : onCallAt(rota, timeZone, clock.now()).contacts;
        }
        case "contact":
          return [target.contact];
        case "group":
          return book
            .list("contacts")
            .filter(({ document }) => document.groups.includes(target.group))
            .map(({ id }) => id);
        default:
          return target satisfies never;
      }
    });
    return [...new Set(found)].filter((id) => book.get("contacts", id) !== undefined);
  }

  /** Of each contact the first channel that reaches him; those that meet in one chat group share a message. */
  #routes(channels: readonly string[], contacts: readonly string[]): { routes: Route[]; unreached: string[] } {
    const { book } = this.#deps;
    const known = channels.flatMap((id) => {
      const channel = book.get("channels", id)?.document;
      return channel === undefined ? [] : [{ id, channel }];
    });
    const routes = new Map<string, Route>();
    const unreached: string[] = [];
    const add = (contact: string | undefined, index: number): void => {
      const found = known[index];
      if (found === undefined) {
        if (contact !== undefined) unreached.push(contact);
        return;
      }
      const recipient = isShared(found.channel) ? `channel:${found.id}` : (contact ?? "");
      const name = JSON.stringify([recipient, found.id]);
      const others = routes.get(name)?.contacts ?? [];
      routes.set(name, {
        recipient,
        channel: found.id,
        contacts: contact === undefined ? others : [...others, contact],
        fallback: known.slice(index + 1).map(({ id }) => id),
      });
    };
    if (contacts.length === 0)
      add(
        undefined,
        known.findIndex(({ channel }) => isShared(channel)),
      );
    for (const contact of contacts) {
      const document = book.get("contacts", contact)?.document;
      const index = known.findIndex(({ channel }) => document !== undefined && reaches(channel, document));
      add(contact, index);
    }
    return { routes: [...routes.values()], unreached };
  }

  /** One try of one delivery. @throws what is to be tried again */
  async #send({ key }: Job): Promise<void> {
    const { book, ledger, secrets, channels } = this.#deps;
    const row = ledger.get(key);
    // Sent by a try whose end the queue did not hear of.
    if (row?.status !== "queued") return;
    const channel = row.channel === null ? undefined : book.get("channels", row.channel)?.document;
    const attempts = row.attempts + 1;
    try {
      if (channel === undefined || row.channel === null)
        throw new DeliveryError("NOTIFY_CHANNEL_GONE", "the channel was removed");
      const contacts = (JSON.parse(row.contacts) as string[]).flatMap((id): NotifyContact[] => {
        const contact = book.get("contacts", id)?.document;
        return contact === undefined ? [] : [contact];
      });
      if (!isShared(channel) && !contacts.some((contact) => reaches(channel, contact)))
        throw new DeliveryError("NOTIFY_UNREACHABLE", "the contact has no address for this channel any more");
      const message = JSON.parse(row.document) as Message;
      const posting = { id: row.id, message, contacts, createdAt: row.created_at };
      await channels.send(channel, secrets.of(row.channel), posting);
    } catch (error) {
      this.#failed(row, attempts, error);
      return;
    }
    ledger.finish(row.id, { status: "sent", attempts, reason: null });
  }

  #failed(row: Delivery, attempts: number, error: unknown): void {
    const { db, ledger } = this.#deps;
    const reason = `${errorCode(error)}: ${errorMessage(error)}`;
    const fallback = JSON.parse(row.fallback) as string[];
    const tries = fallback.length > 0 ? TRIES_WITH_FALLBACK : TRIES;
    const again = !(error instanceof DeliveryError) || error.retriable;
    if (again && attempts < tries) {
      ledger.failed(row.id, attempts, reason);
      throw error;
    }
    this.#deps.logger.warn({ delivery: row.id, channel: row.channel, attempts, reason }, "a message was given up");
    db.sync.transaction<() => void>(() => this.#giveUp(row, { attempts, reason, fallback }))();
  }

  #giveUp(
    row: Delivery,
    { attempts, reason, fallback }: { attempts: number; reason: string; fallback: readonly string[] },
  ): () => void {
    const { ledger } = this.#deps;
    const name = this.#deps.book.get("channels", row.channel ?? "")?.document.name ?? row.channel ?? "";
    const after = this.#tellFailure(
      row,
      {
        text: `通知渠道“${name}”发送失败，已放弃：${reason}`,
        textEn: `Notification channel "${name}" failed, given up: ${reason}`,
        ...(row.alarm === null ? {} : { alarm: row.alarm }),
      },
      (told) => ledger.finish(row.id, { status: "givenUp", attempts, reason, told }),
    );
    if (fallback.length === 0) return after;
    const message = JSON.parse(row.document) as Message;
    const bundle = {
      rule: row.rule ?? "",
      step: row.step,
      transition: row.transition,
      told: this.#toldBy(row.id, message),
    };
    const { routes, unreached } = this.#routes(fallback, JSON.parse(row.contacts) as string[]);
    for (const contact of unreached) this.#skip(bundle, contact, "NOTIFY_UNREACHABLE: no channel that is left");
    this.#take(bundle, routes);
    return after;
  }

  /** What a delivery told, with as much of each alarm as it named. */
  #toldBy(delivery: string, { alarms }: Message): Bundle["told"] {
    const nameOf = (alarm: string, occurrence: number): string => JSON.stringify([alarm, occurrence]);
    const named = new Map(alarms.map((alarm) => [nameOf(alarm.id, alarm.occurrence), alarm]));
    const [first] = alarms;
    const told = this.#deps.ledger.marksOf(delivery).flatMap((mark) => {
      const own = named.get(nameOf(mark.alarm, mark.occurrence));
      const alarmTold = own ?? first;
      return alarmTold === undefined ? [] : [{ ...mark, alarmTold, named: own !== undefined }];
    });
    // Those that were only counted come last, and are only counted again.
    return told.sort((a, b) => Number(b.named) - Number(a.named));
  }

  #tellFailure(
    of: { readonly channel: string | null; readonly rule: string | null },
    words: Pick<FailureNotice, "text" | "textEn" | "alarm">,
    write: (told: boolean) => void,
  ): () => void {
    const { ledger, notice, clock } = this.#deps;
    const now = clock.now();
    const told = !ledger.wasTold(of, now - NOTICE_EVERY_MS);
    write(told);
    return told ? notice({ at: now, popup: true, ...words }) : () => undefined;
  }
}

function alarmOf({ told }: Bundle): { alarm?: string } {
  const [first] = told;
  return first === undefined || first.alarm.startsWith("permit:") ? {} : { alarm: first.alarm };
}

function messageOf({ transition, step, told }: Bundle): Message {
  return { transition, step, total: told.length, alarms: told.slice(0, MOST_NAMED).map(({ alarmTold }) => alarmTold) };
}
