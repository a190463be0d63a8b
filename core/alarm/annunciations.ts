import type { Alarm, AlarmTransition } from "../model/alarm.ts";

/** One entry of the alarm journal with what the key figures ask of its alarm. Times are Unix ms. */
export interface KpiEntry
  extends Pick<Alarm, "definition" | "source" | "law" | "category" | "priority" | "occurrence"> {
  /** Space; absent where it lies in none. */
  readonly area?: string;
  readonly alarm: string;
  readonly transition: AlarmTransition;
  /** When it happened. */
  readonly at: number;
  /** When it could be shown: what loads an operator is counted here. */
  readonly receivedAt: number;
  /** When the occurrence was raised, if that is known and this is not its raise. */
  readonly raisedAt?: number | undefined;
  readonly actor?: string | undefined;
  /** Only written down, never shown as an alarm. */
  readonly journalOnly?: boolean | undefined;
}

/** Whose alarm it is and what it is. */
export type AlarmKind = Pick<KpiEntry, "alarm" | "definition" | "source" | "law" | "category" | "priority" | "area">;

/** One activation as the journal tells it. Times are Unix ms. */
export interface Occurrence {
  readonly kind: AlarmKind;
  readonly raisedAt: number;
  clearedAt: number | undefined;
  acknowledgedAt: number | undefined;
  /** Was it shown to an operator at all? */
  announced: boolean;
  /** The stretch that is looked at has seen it begin. */
  readonly begunInside: boolean;
  reAlarms: number;
}

/** A moment at which an alarm called an operator: raised, raised again, or back from suppression. */
export interface Annunciation {
  /** When it could be shown, Unix ms. */
  readonly at: number;
  readonly occurrence: Occurrence;
  /** Suppressed in the same breath: it never called anybody. */
  withdrawn: boolean;
}

/** A time for which somebody shelved an alarm or took it out of service. */
export interface Withheld {
  readonly kind: AlarmKind;
  readonly by: "shelved" | "outOfService";
  readonly from: number;
  to: number | undefined;
  /** Nobody is named for it. */
  readonly unauthorised: boolean;
}

/** What a stretch of the journal amounts to. */
export interface AlarmRecord {
  readonly annunciations: readonly Annunciation[];
  readonly occurrences: readonly Occurrence[];
  readonly withheld: readonly Withheld[];
}

/** What logic suppresses as soon as it is raised has not called anybody, ms. */
const AT_ONCE_MS = 1000;
/** Of a permit that nobody knows any more: what it takes out of service so soon after its raise was raised under it, ms. */
const BY_PERMIT_MS = 60_000;
/** Who acts for a maintenance permit. */
const PERMIT = "permit:";

const SUPPRESSES = { shelved: "shelved", suppressed: "byDesign", outOfService: "outOfService" } as const;
const LIFTS = { unshelved: "shelved", unsuppressed: "byDesign", returnedToService: "outOfService" } as const;

interface Track {
  readonly suppression: Map<string, Withheld | undefined>;
  occurrence: Occurrence | undefined;
  number: number;
  announced: Annunciation | undefined;
}

/**
 * Reads a journal in the order in which it came to be known and finds out when operators were called, and how long each
 * activation lasted. What lies before `from` only tells how things stood then. [KP-01, KP-02]
 */
export class JournalReader {
  readonly #from: number;
  readonly #permitBegan: (permit: string) => number | undefined;
  readonly #permits = new Map<string, number | undefined>();
  readonly #tracks = new Map<string, Track>();
  readonly #annunciations: Annunciation[] = [];
  readonly #occurrences: Occurrence[] = [];
  readonly #withheld: Withheld[] = [];

  /**
   * `from`: where the stretch begins, Unix ms. `permitBegan`: when a maintenance permit began, Unix ms; undefined where that is not
   * known. What comes to be known under a permit calls nobody, however long its gateway needs to take it out of service.
   */
  constructor(from: number, permitBegan: (permit: string) => number | undefined = () => undefined) {
    this.#from = from;
    this.#permitBegan = permitBegan;
  }

  /** An alarm that was active when the stretch began. */
  standing(kind: AlarmKind, occurrence: number, raisedAt: number, acknowledgedAt: number | undefined): void {
    const track = this.#trackOf(kind.alarm);
    if (track.occurrence === undefined)
      this.#begin(track, kind, occurrence, raisedAt, false).acknowledgedAt = acknowledgedAt;
  }

  take(entry: KpiEntry): void {
    if (entry.journalOnly === true) return;
    const { transition } = entry;
    switch (transition) {
      case "raised":
        this.#raised(entry);
        break;
      case "reAlarmed":
        this.#reAlarmed(entry);
        break;
      case "cleared":
        this.#occurrenceOf(entry).clearedAt ??= entry.at;
        break;
      case "acknowledged":
        this.#occurrenceOf(entry).acknowledgedAt ??= entry.at;
        break;
      case "shelved":
      case "suppressed":
      case "outOfService":
        this.#suppress(entry, SUPPRESSES[transition]);
        break;
      case "unshelved":
      case "unsuppressed":
      case "returnedToService":
        this.#lift(entry, LIFTS[transition]);
        break;
      case "reset":
      case "stale":
      case "fresh":
      case "assigned":
      case "escalated":
      case "commented":
        break;
      default:
        transition satisfies never;
    }
  }

  get record(): AlarmRecord {
    return { annunciations: this.#annunciations, occurrences: this.#occurrences, withheld: this.#withheld };
  }

  #trackOf(alarm: string): Track {
    let track = this.#tracks.get(alarm);
    if (track === undefined) {
      track = { suppression: new Map(), occurrence: undefined, number: 0, announced: undefined };
      this.#tracks.set(alarm, track);
    }
    return track;
  }

  #begin(track: Track, kind: AlarmKind, number: number, raisedAt: number, begunInside: boolean): Occurrence {
    const { alarm, definition, source, law, category, priority, area } = kind;
    const occurrence: Occurrence = {
      kind: { alarm, definition, source, law, category, priority, ...(area === undefined ? {} : { area }) },
      raisedAt,
      clearedAt: undefined,
      acknowledgedAt: undefined,
      announced: track.suppression.size === 0,
      begunInside,
      reAlarms: 0,
    };
    track.occurrence = occurrence;
    track.number = number;
    this.#occurrences.push(occurrence);
    return occurrence;
  }

  /** The occurrence that an entry speaks of, if need be one that began before the stretch. */
  #occurrenceOf(entry: KpiEntry): Occurrence {
    const track = this.#trackOf(entry.alarm);
    if (track.occurrence !== undefined && track.number === entry.occurrence) return track.occurrence;
    return this.#begin(track, entry, entry.occurrence, entry.raisedAt ?? entry.at, false);
  }

  #raised(entry: KpiEntry): void {
    const track = this.#trackOf(entry.alarm);
    const inside = entry.receivedAt >= this.#from;
    this.#begin(track, entry, entry.occurrence, entry.at, inside);
    if (inside) this.#announce(track, entry.receivedAt);
  }

  #reAlarmed(entry: KpiEntry): void {
    const track = this.#trackOf(entry.alarm);
    // Announced anew it bears the next number, and is the same activation still.
    if (track.occurrence !== undefined && track.occurrence.clearedAt === undefined) track.number = entry.occurrence;
    const occurrence = this.#occurrenceOf(entry);
    occurrence.reAlarms++;
    // It is unacknowledged again, as if it had just occurred. [AL-09]
    occurrence.acknowledgedAt = undefined;
    if (entry.receivedAt >= this.#from) this.#announce(track, entry.receivedAt);
  }

  #announce(track: Track, at: number): void {
    const { occurrence } = track;
    if (occurrence === undefined || track.suppression.size > 0) return;
    occurrence.announced = true;
    track.announced = { at, occurrence, withdrawn: false };
    this.#annunciations.push(track.announced);
  }

  #suppress(entry: KpiEntry, by: "shelved" | "byDesign" | "outOfService"): void {
    const track = this.#trackOf(entry.alarm);
    if (by !== "shelved") withdraw(track, entry, this.#sinceOf(entry));
    if (track.suppression.has(by)) return;
    const withheld: Withheld | undefined =
      by === "byDesign"
        ? undefined
        : { kind: entry, by, from: entry.at, to: undefined, unauthorised: entry.actor === undefined };
    track.suppression.set(by, withheld);
    if (withheld !== undefined) this.#withheld.push(withheld);
  }

  /** Since when a call that this hides is no call, Unix ms. */
  #sinceOf({ actor, receivedAt }: KpiEntry): number {
    if (actor?.startsWith(PERMIT) !== true) return receivedAt - AT_ONCE_MS;
    const permit = actor.slice(PERMIT.length);
    if (!this.#permits.has(permit)) this.#permits.set(permit, this.#permitBegan(permit));
    return this.#permits.get(permit) ?? receivedAt - BY_PERMIT_MS;
  }

  /** An alarm that leaves its last suppression while active calls again. [AL-13] */
  #lift(entry: KpiEntry, by: "shelved" | "byDesign" | "outOfService"): void {
    const track = this.#trackOf(entry.alarm);
    const withheld = track.suppression.get(by);
    if (withheld !== undefined) withheld.to = entry.at;
    if (!track.suppression.delete(by) || track.suppression.size > 0) return;
    const { occurrence } = track;
    if (occurrence === undefined || occurrence.clearedAt !== undefined) return;
    if (entry.receivedAt < this.#from) {
      occurrence.announced = true;
      return;
    }
    // An acknowledged one comes back as a new occurrence without a raise of its own.
    if (entry.occurrence !== track.number) {
      occurrence.clearedAt = entry.at;
      this.#begin(track, entry, entry.occurrence, entry.at, true);
    }
    this.#announce(track, entry.receivedAt);
  }
}

/** Takes back the call of an occurrence that came since then, before anybody has answered it. [KP-02] */
function withdraw({ announced, occurrence, number }: Track, { occurrence: named }: KpiEntry, since: number): void {
  if (occurrence === undefined || occurrence.acknowledgedAt !== undefined) return;
  if (announced !== undefined) {
    if (announced.at < since) return;
    announced.withdrawn = true;
    announced.occurrence.announced = false;
  } else if (!occurrence.begunInside && named === number && occurrence.raisedAt >= since) occurrence.announced = false;
}
