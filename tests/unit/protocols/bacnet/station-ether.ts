import { silentLogger } from "#core/logger.ts";
import type { Endpoint } from "#protocols/bacnet/codec/link.ts";
import { StationCounters } from "#protocols/bacnet/station/counters.ts";
import type { DatagramListener, DatagramPort, Interface, OpenPort } from "#protocols/bacnet/station/datagrams.ts";
import type { Announcement, Question, Reply } from "#protocols/bacnet/station/ports.ts";
import { type BacnetStation, openStation, type StationOptions } from "#protocols/bacnet/station/station.ts";
import type { ManualClock } from "#tests/manual-clock.ts";

/** A datagram on its way. */
export interface Carried {
  readonly datagram: Uint8Array;
  readonly from: Endpoint;
  readonly to: Endpoint;
}

/** The port of everybody. */
export const PORT = 47_808;
/** A signal that never aborts. */
export const never = new AbortController().signal;

/**
 * An IP network in memory: subnets of 256 addresses, routed among each other but for broadcasts. Datagrams arrive in the turn in
 * which they are sent, one after the other.
 */
export class Ether {
  readonly #ports = new Map<string, DatagramListener>();
  readonly #queue: Carried[] = [];
  #draining = false;
  /** All that was sent. */
  readonly carried: Carried[] = [];
  /** What becomes of a datagram: the datagrams that arrive in its place. */
  fate: (carried: Carried) => readonly Carried[] = (one) => [one];

  readonly open: OpenPort = async (at, listener) => {
    this.#ports.set(key(at), listener);
    return this.#port(at);
  };

  /** Datagrams that went to an endpoint. */
  to(host: string): readonly Uint8Array[] {
    return this.carried.filter((one) => one.to.host === host).map(({ datagram }) => datagram);
  }

  /** Sends as if from that endpoint. */
  send(datagram: Uint8Array, from: Endpoint, to: Endpoint): void {
    this.#queue.push({ datagram, from, to });
    if (this.#draining) return;
    this.#draining = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#carry(next);
    this.#draining = false;
  }

  #carry(one: Carried): void {
    this.carried.push(one);
    for (const { datagram, from, to } of this.fate(one)) {
      const subnet = to.host.slice(0, to.host.lastIndexOf(".") + 1);
      if (!to.host.endsWith(".255")) this.#ports.get(key(to))?.received(datagram, from);
      else {
        for (const [at, listener] of [...this.#ports]) {
          const isThere = at.startsWith(subnet) && at.endsWith(`:${to.port}`);
          if (isThere && from.host.startsWith(subnet)) listener.received(datagram, from);
        }
      }
    }
  }

  #port({ host, port }: Interface): DatagramPort {
    const local = { host, port };
    const subnet = host.slice(0, host.lastIndexOf(".") + 1);
    return {
      local,
      addresses: [host],
      reaches: (other) => other.startsWith(subnet),
      send: (datagram, to) => this.send(datagram, local, to),
      close: async () => {
        this.#ports.delete(key(local));
      },
    };
  }
}

function key({ host, port }: Endpoint): string {
  return `${host}:${port}`;
}

/** A station on the ether and all that came to it. */
export interface Attached {
  readonly station: BacnetStation;
  readonly at: Endpoint;
  readonly counters: StationCounters;
  readonly announced: Announcement[];
  readonly asked: Question[];
  /** What it answers; an acknowledgement with the request's own body unless set. */
  answer: (question: Question) => Reply | Promise<Reply>;
}

/** An interface at that address, whose broadcasts go to its subnet. */
export function interfaceAt(host: string): Interface {
  return { host, port: PORT, broadcast: { host: `${host.slice(0, host.lastIndexOf("."))}.255`, port: PORT } };
}

/** Opens a station at an address of the ether: answers within a second, two repetitions. */
export async function attach(
  ether: Ether,
  clock: ManualClock,
  host: string,
  options: Partial<StationOptions> = {},
): Promise<Attached> {
  const counters = new StationCounters();
  const attached = {
    at: { host, port: PORT },
    counters,
    announced: [] as Announcement[],
    asked: [] as Question[],
    answer: ({ body }: Question): Reply | Promise<Reply> => ({ kind: "ack", body }),
  };
  const handlers = {
    announced: (message: Announcement) => void attached.announced.push(message),
    asked: (question: Question) => {
      attached.asked.push(question);
      return attached.answer(question);
    },
  };
  const station = await openStation(
    { interfaces: [interfaceAt(host)], apduTimeoutMs: 1000, retries: 2, ...options },
    { clock, logger: silentLogger, counters, open: ether.open, handlers },
  );
  return Object.assign(attached, { station });
}
