import type { Clock } from "#core/clock.ts";
import type { DeliveryView, NotifyKind, NotifyTestResult, NotifyVersion, OnCallView } from "#core/contracts/notify.ts";
import type { Logger } from "#core/logger.ts";
import type { AlarmListener, PermitDirectory } from "../alarm-ports.ts";
import type { Db } from "../db/database.ts";
import type { JobQueue } from "../job-ports.ts";
import type { Change, DeliveryQuery, Kept, NotifyService, PermitDigestTold } from "../notify-ports.ts";
import type { Actor, AuditLog, PageRequest, PageResult, SiteCatalog } from "../ports.ts";
import { iso } from "../time.ts";
import { NotifyBook } from "./book.ts";
import { Chains } from "./chains.ts";
import { Channels } from "./channels.ts";
import { Egress } from "./egress.ts";
import { Ledger } from "./ledger.ts";
import { onCallAt } from "./on-call.ts";
import { Positions } from "./positions.ts";
import { type FailureNotice, PostOffice } from "./post-office.ts";
import { SecretFile } from "./secret-file.ts";

const RETENTION_JOB = "notify-retention";
/** Before the retention of telemetry, local time. */
const RETENTION_AT_MINUTE = 165;
const KEPT_DAYS = 400;
const DAY_MS = 86_400_000;
const MOST_SLICES = 2000;
const SLICE = 500;

/** What notification works with. */
export interface NotifyDeps {
  readonly db: Db;
  readonly jobs: Pick<JobQueue, "add" | "work" | "repeat">;
  readonly catalog: Pick<SiteCatalog, "timeZone" | "spaces" | "onChange">;
  readonly audit: Pick<AuditLog, "append">;
  /** A space and all that lies below it. */
  readonly below: (space: string) => ReadonlySet<string>;
  /** Is it a user of the hub? */
  readonly knowsUser: (user: string) => boolean;
  /** Which alarms a maintenance permit holds back: nobody is called because of them. */
  readonly permits: PermitDirectory;
  /** Keeps a notice for the consoles in the running transaction; what it returns runs after COMMIT. */
  readonly notice: (notice: FailureNotice) => () => void;
  /** File of the channels' secrets, in the data folder. */
  readonly secretsFile: string;
  /** Hosts, addresses and networks that may be sent to; a ready one in tests. */
  readonly egress: readonly string[] | Egress;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Who is told of alarms: operator positions, rota, channels, rules, and the ledger of what was sent. */
export class Notify implements NotifyService {
  readonly #deps: NotifyDeps;
  readonly #ledger: Ledger;
  readonly #office: PostOffice;
  readonly #chains: Chains;
  readonly book: NotifyBook;
  readonly positions: Positions;

  /** @throws EGRESS_LIST_INVALID, NOTIFY_SECRETS_INVALID */
  constructor(deps: NotifyDeps) {
    const { db, jobs, catalog, audit, clock, logger, below, knowsUser, notice, permits } = deps;
    const { timeZone } = catalog;
    this.#deps = deps;
    const secrets = new SecretFile(deps.secretsFile);
    const egress = deps.egress instanceof Egress ? deps.egress : new Egress(deps.egress);
    const knowsSpace = (space: string): boolean => catalog.spaces().some(({ id }) => id === space);
    this.book = new NotifyBook({ db, audit, clock, secrets, knowsSpace, knowsUser });
    this.positions = new Positions(this.book, below, (listener) => catalog.onChange(listener));
    this.#ledger = new Ledger(db, clock, timeZone);
    const channels = new Channels({ egress, clock, timeZone });
    const { book, positions } = this;
    this.#office = new PostOffice({
      db,
      jobs,
      book,
      secrets,
      ledger: this.#ledger,
      channels,
      notice,
      timeZone,
      clock,
      logger,
    });
    const placeOf = (space: string) => placeName(catalog, space);
    this.#chains = new Chains({ db, jobs, book, positions, office: this.#office, permits, placeOf, timeZone, clock });
  }

  /** Takes up jobs and what a former process has left. Before the queue is started. */
  start(): void {
    const { jobs, catalog } = this.#deps;
    this.#office.start();
    this.#chains.start();
    jobs.work(RETENTION_JOB, () => this.prune());
    jobs.repeat(RETENTION_JOB, { dailyAtMinute: RETENTION_AT_MINUTE, timeZone: catalog.timeZone });
  }

  /** For the alarms: begins and ends what is told, in the transaction that stores the transition. */
  listener: AlarmListener = (told) => {
    this.#chains.take(told);
    return undefined;
  };

  /** Tells the digest of a maintenance permit that has ended, in the running transaction. */
  permitDigest = ({ permit, at, text, textEn, areas, categories }: PermitDigestTold): void => {
    const [area] = areas;
    const told = {
      id: `permit:${permit}`,
      occurrence: 1,
      law: "facility",
      category: categories[0] ?? "system",
      priority: "medium",
      message: text,
      messageEn: textEn,
      source: permit,
      raisedAt: at,
      at,
      ...(area === undefined ? {} : { area }),
    } as const;
    this.#chains.takeDigest(told, { areas, categories });
  };

  list<K extends NotifyKind>(kind: K): readonly Kept<K>[] {
    return this.book.list(kind);
  }

  /** Names of the secrets that a channel has; never the secrets. */
  secretsSet(channel: string): readonly string[] {
    return this.book.secretsSet(channel);
  }

  /** @throws NOTIFY_VERSION_STALE, NOTIFY_REFERENCE_UNKNOWN, NOTIFY_INVALID, NOTIFY_TOO_MANY */
  put<K extends NotifyKind>(change: Change<K>, actor: Actor): Kept<K> {
    return this.book.put(change, actor);
  }

  /** False when there is none. @throws NOTIFY_VERSION_STALE, NOTIFY_IN_USE */
  remove(kind: NotifyKind, id: string, version: number, actor: Actor, why?: string): boolean {
    return this.book.remove(kind, id, version, actor, why);
  }

  /** Newest first. @throws CURSOR_INVALID */
  versions(query: PageRequest & { kind?: NotifyKind; id?: string }): PageResult<NotifyVersion> {
    return this.book.versions(query);
  }

  /** Who is on call at each position at a moment, Unix ms. */
  onCall(at: number): readonly OnCallView[] {
    const { timeZone } = this.#deps.catalog;
    return this.book.list("positions").map(({ id, document: { name, nameEn } }) => {
      const rota = this.book.get("rotas", id)?.document;
      const { contacts, until } = rota === undefined ? { contacts: [] } : onCallAt(rota, timeZone, at);
      return {
        position: id,
        name,
        nameEn,
        contacts: contacts.map((contact) => ({
          id: contact,
          name: this.book.get("contacts", contact)?.document.name ?? contact,
        })),
        ...(until === undefined ? {} : { until: iso(until) }),
      };
    });
  }

  /** Newest first. @throws CURSOR_INVALID */
  deliveries(query: DeliveryQuery): PageResult<DeliveryView> {
    return this.#ledger.list(query);
  }

  /** Sends a test message now. @throws NOTIFY_UNKNOWN, NOTIFY_UNREACHABLE */
  async test(channel: string, contact: string | undefined, actor: Actor): Promise<NotifyTestResult> {
    const result = await this.#office.test(channel, contact);
    this.#deps.audit.append({
      actor: actor.name,
      action: "notify.test",
      target: channel,
      result: result.sent ? "ok" : "failed",
      detail: { delivery: result.delivery, ...(contact === undefined ? {} : { contact }) },
      ...(actor.ip === undefined ? {} : { ip: actor.ip }),
    });
    return result;
  }

  /** Removes what is older than 400 days, slice by slice; others have their turn in between. Idempotent. */
  async prune(): Promise<void> {
    const before = this.#deps.clock.now() - KEPT_DAYS * DAY_MS;
    for (const prune of [() => this.#ledger.prune(before), () => this.#chains.store.prune(before)])
      for (let slice = 0; slice < MOST_SLICES && prune() === SLICE; slice++)
        await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** The way down to a space, without the site itself. */
function placeName(
  catalog: Pick<SiteCatalog, "spaces">,
  space: string,
): { readonly place: string; readonly placeEn: string } | undefined {
  const spaces = new Map(catalog.spaces().map((one) => [one.id, one]));
  const way: { name: string; nameEn: string }[] = [];
  // As many steps as there are spaces at most, whatever the tree looks like.
  for (let at = spaces.get(space); at !== undefined && way.length < spaces.size; at = spaces.get(at.parent ?? ""))
    if (at.parent !== undefined || way.length === 0) way.unshift(at);
  if (way.length === 0) return undefined;
  return { place: way.map(({ name }) => name).join(" / "), placeEn: way.map(({ nameEn }) => nameEn).join(" / ") };
}
