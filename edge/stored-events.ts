import type { Outbox } from "./outbox.ts";

/** Most senders that wait for the disk; when it refuses for so long, all are left to repeat. */
const MAX_WAITING = 10_000;

/** Tells the senders of events when what they sent is on the disk: only then may a panel be acknowledged. [SIA DC-09 §5.5] */
export class StoredEvents {
  #waiting: ((stored: boolean) => void)[] = [];

  constructor(outbox: Pick<Outbox, "onCommitted">) {
    // a commit writes all that was queued before it
    outbox.onCommitted(() => this.#settle(true));
  }

  /** Calls back once: true after the next commit, false at once when the event was refused or too many wait. */
  after(appended: boolean, stored: (stored: boolean) => void): void {
    if (!appended) stored(false);
    else {
      if (this.#waiting.length >= MAX_WAITING) this.#settle(false);
      this.#waiting.push(stored);
    }
  }

  #settle(stored: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const tell of waiting) tell(stored);
  }
}
