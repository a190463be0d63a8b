import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { type Peer, peerKey } from "../../codec/frame.ts";
import type { Counters } from "../../counters.ts";
import type { Station } from "../../station/ports.ts";
import { sameValue } from "../map.ts";
import type { DeviceMemory } from "../memory.ts";
import { type Lease, leaseKey, peerOf } from "./lease.ts";
import { readSlot, type SlotAnswer, writeNull } from "./priority-array.ts";

/** What the keeper of a channel's leases needs. */
export interface LeaseDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly station: Station;
  readonly memory: DeviceMemory;
  /** Asks where a device is that nobody keeps in touch with any more. */
  readonly search: (lease: Lease) => void;
}

/** How giving back ended. `gone`: nothing of ours is there any more. `later`: it is tried again by itself. */
export type Release = "done" | "gone" | "later";

const FIRST_RETRY_MS = 5000;
const LONGEST_RETRY_MS = 300_000;
const LONGEST_TIMER_MS = 0x7fff_ffff;
const MOST_LEASES = 20_000;

interface Attempts {
  count: number;
  cancel: () => void;
}

/**
 * Keeps what was written until it is given back. A lease is on the disk before its value is written, so that a crash in between
 * gives back what was perhaps never written, which does no harm: the slot is compared first, and what another has written there
 * meanwhile stays. A device that is away is tried again until it was told.
 */
export class LeaseKeeper {
  readonly #deps: LeaseDeps;
  readonly #leases: Map<string, Lease>;
  /** Where devices were seen last. */
  readonly #peers = new Map<number, Peer>();
  readonly #attempts = new Map<string, Attempts>();
  /** Slots on which somebody works: giving back and writing must not overtake each other. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #ending = new AbortController();
  #known: ReadonlySet<number> = new Set();

  constructor(deps: LeaseDeps) {
    this.#deps = deps;
    this.#leases = new Map(deps.memory.leases());
    for (const { instance, where } of this.#leases.values()) this.#peers.set(instance, peerOf(where));
  }

  /** All leases held now. */
  get leases(): readonly Lease[] {
    return [...this.#leases.values()];
  }

  /** Does a lease wait for this device? */
  concerns(instance: number): boolean {
    return this.#peers.has(instance);
  }

  /**
   * Takes up the leases when the configuration is known: what `isBound` denies is given back, the rest goes on. `known` are the
   * instances of the devices that are kept in touch with.
   */
  begin(known: ReadonlySet<number>, isBound: (lease: Lease) => boolean): void {
    this.#known = known;
    for (const [key, lease] of this.#leases) {
      if (!isBound(lease)) this.#end(key, lease);
      else this.#schedule(key, lease);
    }
  }

  /** Runs `work` when nobody else works on this slot. */
  async exclusively<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key) ?? Promise.resolve();
    const turn = before.then(work);
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(key, settled);
    void settled.then(() => {
      if (this.#turns.get(key) === settled) this.#turns.delete(key);
    });
    return turn;
  }

  /** Records what is about to be written; gives what was held there before. @throws what the disk says */
  hold(lease: Lease): Lease | undefined {
    const key = leaseKey(lease);
    const before = this.#leases.get(key);
    if (before === undefined && this.#leases.size >= MOST_LEASES) throw new Error(`${MOST_LEASES} leases are held`);
    const held = withFormer(lease, before);
    this.#deps.memory.keep(key, held);
    this.#leases.set(key, held);
    this.#peers.set(lease.instance, peerOf(lease.where));
    this.#schedule(key, held);
    return before;
  }

  /** The device took what was written: nothing that we wrote there before stands any more. */
  taken(key: string): void {
    const held = this.#leases.get(key);
    if (held?.former === undefined) return;
    const { former: _, ...lease } = held;
    this.#leases.set(key, lease);
    this.#keep(key, lease);
  }

  /** Nothing was written: what was held before is still there. */
  restore(key: string, before: Lease | undefined): void {
    if (before === undefined) {
      this.drop(key);
      return;
    }
    // its owner went away, or its point, while the write was under way
    const refused = this.#leases.get(key);
    const over = refused?.ended === true && refused.owner === before.owner;
    const lease: Lease = over ? { ...before, ended: true } : before;
    this.#leases.set(key, lease);
    this.#schedule(key, lease);
    this.#keep(key, lease);
  }

  /** The slot is no longer ours. */
  drop(key: string): void {
    const lease = this.#leases.get(key);
    this.#attempts.get(key)?.cancel();
    this.#attempts.delete(key);
    this.#leases.delete(key);
    if (lease !== undefined && !this.leases.some(({ instance }) => instance === lease.instance)) {
      this.#peers.delete(lease.instance);
    }
    try {
      this.#deps.memory.drop(key);
    } catch (error) {
      // it comes up again after a restart and finds nothing of ours in its slot
      this.#deps.logger.warn({ lease: key, cause: errorMessage(error) }, "a lease that is over stays on the disk");
    }
  }

  /** Gives back now what these leases hold, and goes on trying; resolves after the first attempt at each. */
  async release(which: (lease: Lease) => boolean): Promise<readonly Release[]> {
    const ending = [...this.#leases].filter(([, lease]) => which(lease));
    for (const [key, lease] of ending) this.#mark(key, lease);
    return Promise.all(ending.map(([key]) => this.#attempt(key)));
  }

  /** The device answers at this address: what waits for it is given back at once. */
  reachable(instance: number, peer: Peer): void {
    if (!this.#peers.has(instance)) return;
    this.#peers.set(instance, peer);
    for (const [key, lease] of this.#leases) if (lease.instance === instance && this.#isDue(lease)) this.#soon(key, 0);
  }

  /** Resolves when nothing is being given back any more, at the latest after `timeoutMs`. */
  async settle(timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#deps.clock.after(timeoutMs, resolve);
    const ended = this.leases.filter(({ ended }) => ended === true).map((lease) => this.#attempt(leaseKey(lease)));
    await Promise.race([Promise.all(ended), promise]);
    cancel();
  }

  /** Stops; the leases stay on the disk. */
  close(): void {
    this.#ending.abort();
    for (const { cancel } of this.#attempts.values()) cancel();
    this.#attempts.clear();
  }

  #isDue({ ended, expiresAt }: Lease): boolean {
    return ended === true || (expiresAt !== undefined && this.#deps.clock.now() >= expiresAt);
  }

  #mark(key: string, lease: Lease): void {
    const ended: Lease = { ...lease, ended: true };
    this.#leases.set(key, ended);
    this.#keep(key, ended);
  }

  #keep(key: string, lease: Lease): void {
    try {
      this.#deps.memory.keep(key, lease);
    } catch (error) {
      this.#deps.logger.warn({ lease: key, cause: errorMessage(error) }, "the state of a lease could not be kept");
    }
  }

  #end(key: string, lease: Lease): void {
    if (lease.ended !== true) this.#mark(key, lease);
    this.#soon(key, 0);
  }

  #schedule(key: string, lease: Lease): void {
    this.#attempts.get(key)?.cancel();
    this.#attempts.delete(key);
    if (lease.ended === true) this.#soon(key, 0);
    else if (lease.expiresAt !== undefined) this.#soon(key, Math.max(0, lease.expiresAt - this.#deps.clock.now()));
  }

  #soon(key: string, delayMs: number): void {
    if (this.#ending.signal.aborted) return;
    const attempts = this.#attempts.get(key) ?? { count: 0, cancel: () => {} };
    attempts.cancel();
    this.#attempts.set(key, attempts);
    attempts.cancel = this.#deps.clock.after(Math.min(delayMs, LONGEST_TIMER_MS), () => void this.#attempt(key));
  }

  /** Gives one lease back, when its time has come. */
  #attempt(key: string): Promise<Release> {
    return this.exclusively(key, async () => {
      const lease = this.#leases.get(key);
      if (lease === undefined) return "gone";
      if (!this.#isDue(lease)) {
        // the wall clock was set back, or the time is longer than a timer's
        this.#schedule(key, lease);
        return "later";
      }
      const peer = this.#peers.get(lease.instance) ?? peerOf(lease.where);
      const outcome = await this.#giveBack(lease, peer);
      if (this.#ending.signal.aborted) return "later";
      if (outcome === "later") this.#again(key, lease, peer);
      else this.drop(key);
      return outcome;
    });
  }

  async #giveBack(lease: Lease, peer: Peer): Promise<Release> {
    const { station, counters, logger } = this.#deps;
    const { signal } = this.#ending;
    const fields = { point: lease.point, instance: lease.instance, priority: lease.priority, owner: lease.owner };
    const slot = await readSlot(station, peer, lease, signal);
    if (slot.kind === "silent" || slot.kind === "refused") return "later";
    if (!holds(slot, lease)) {
      counters.add("leasesOvertaken");
      logger.info(fields, "a lease is over, and its priority holds nothing of ours any more");
      return "gone";
    }
    if (!(await writeNull(station, peer, lease, signal))) return "later";
    counters.add("leasesReleased");
    logger.info(fields, "a lease is over, and its value was given back");
    return "done";
  }

  #again(key: string, lease: Lease, peer: Peer): void {
    const attempts = this.#attempts.get(key) ?? { count: 0, cancel: () => {} };
    this.#attempts.set(key, attempts);
    attempts.count += 1;
    const delayMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts.count - 1, 10));
    if (attempts.count === 1) {
      const { point, instance, priority } = lease;
      const fields = { point, instance, priority, at: peerKey(peer) };
      this.#deps.logger.warn(fields, "a lease is over, but the device did not take its value back yet");
    }
    if (!this.#known.has(lease.instance)) this.#deps.search(lease);
    this.#soon(key, delayMs * (0.8 + 0.2 * Math.random()));
  }
}

/** So many former values are kept while writes to a slot go unanswered one after the other. */
const MOST_FORMER = 4;

function withFormer(lease: Lease, before: Lease | undefined): Lease {
  if (before === undefined) return lease;
  const values = [before.value, ...(before.former ?? [])].filter((value) => !sameValue(lease.value, value));
  return values.length === 0 ? lease : { ...lease, former: values.slice(0, MOST_FORMER) };
}

function holds(slot: SlotAnswer, { value, former = [] }: Lease): boolean {
  if (slot.kind !== "value" || slot.value.type === "null") return false;
  return [value, ...former].some((written) => sameValue(written, slot.value));
}
