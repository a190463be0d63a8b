import type { Alarm } from "#core/model/alarm.ts";
import type { AlarmTold } from "../alarm-ports.ts";
import type { Db } from "../db/database.ts";
import type { AlarmJournal, Happening } from "./journal-store.ts";
import type { AlarmShowing } from "./showing.ts";
import type { AlarmStore } from "./store.ts";

export interface RecorderDeps {
  readonly db: Db;
  /** The site's name: what the cloud mints has it as origin. */
  readonly site: string;
  readonly store: AlarmStore;
  readonly journal: AlarmJournal;
  readonly showing: AlarmShowing;
  /** An alarm about which there is news is to be followed until somebody acknowledges it, inside the transaction. */
  readonly follow: (alarm: Alarm) => void;
  /** Told each transition once, inside the transaction; what it returns runs after COMMIT. */
  readonly told: (told: AlarmTold) => (() => void) | undefined;
  /** This side has to end a shelving at this time, Unix ms. */
  readonly endsShelving: (at: number) => void;
}

/** Writes alarms and what happens to them down, and tells whoever has to know. */
export class AlarmRecorder {
  readonly #deps: RecorderDeps;

  constructor(deps: RecorderDeps) {
    this.#deps = deps;
  }

  /** Does work as one transaction; what it returns runs after COMMIT. */
  commit(work: () => () => void): void {
    this.#deps.db.sync.transaction<() => void>(work)();
  }

  /** Writes an alarm and what happened to it, inside a transaction. The callback runs after COMMIT. */
  record(happening: Happening): () => void {
    const { alarm } = happening;
    this.put(alarm);
    return this.happened(happening, alarm);
  }

  /**
   * Writes what acts of people have done to alarms that are held, each another one, in this order and inside a transaction. The
   * callback runs after COMMIT.
   */
  recordActs(happenings: readonly Happening[]): () => void {
    const { store, journal, site, endsShelving } = this.#deps;
    for (const { alarm } of happenings) {
      const ours = alarm.origin === site;
      store.acted(alarm, ours);
      if (ours && alarm.shelvedUntil !== undefined) endsShelving(alarm.shelvedUntil);
    }
    const news = journal.writeMany(happenings);
    const after = happenings.map((happening, at) => this.#tell(happening, happening.alarm, news[at] === true));
    return () => {
      for (const one of after) one();
    };
  }

  /** Writes an alarm as it is now, inside a transaction. */
  put(alarm: Alarm): void {
    const { store, site, endsShelving } = this.#deps;
    const ours = alarm.origin === site;
    store.put(alarm, ours);
    if (ours && alarm.shelvedUntil !== undefined) endsShelving(alarm.shelvedUntil);
  }

  /**
   * Writes down what happened to an alarm that is written already, inside a transaction. `held` is the alarm as this side holds
   * it, where that is not what the happening tells. The callback runs after COMMIT.
   */
  happened(happening: Happening, held = happening.alarm): () => void {
    return this.#tell(happening, held, this.#deps.journal.write(happening));
  }

  #tell({ alarm, transition, at }: Happening, held: Alarm, news: boolean): () => void {
    const { follow, showing, told } = this.#deps;
    if (news) follow(held);
    const after = news ? told({ alarm, transition, at }) : undefined;
    return () => {
      showing.publish(held);
      after?.();
    };
  }
}
