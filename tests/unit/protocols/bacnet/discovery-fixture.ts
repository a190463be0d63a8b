import { afterEach } from "vitest";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import { Counters } from "#protocols/bacnet/counters.ts";
import { Ears } from "#protocols/bacnet/discovery/ears.ts";
import type { ScanDeps } from "#protocols/bacnet/discovery/scan.ts";
import { type FoundDevice, type SearchDeps, searchDevices } from "#protocols/bacnet/discovery/search.ts";
import type { Request, Station } from "#protocols/bacnet/station/ports.ts";
import { openStation } from "#protocols/bacnet/station/station.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Closes something after the test. */
export function closeAfter<T extends { close(): Promise<void> }>(opened: T): T {
  closing.push(() => opened.close());
  return opened;
}

/** A station that searches and scans, and what it asked. */
export interface Scanner extends SearchDeps, ScanDeps {
  readonly requests: Request[];
  /** Most requests that were under way at a time. */
  readonly mostAtOnce: () => number;
  find(port: number, instance?: number): Promise<FoundDevice>;
}

/** Opens a station on a free loopback port. */
export async function scanner(signal: AbortSignal = new AbortController().signal): Promise<Scanner> {
  const ears = new Ears();
  const opened = closeAfter(
    await openStation(
      { interfaces: [{ host: "127.0.0.1", port: 0 }], apduTimeoutMs: 500, retries: 1 },
      {
        logger: silentLogger,
        handlers: {
          announced: (message) => ears.tell(message),
          asked: () => ({ kind: "reject", reason: 9 }),
        },
      },
    ),
  );
  const requests: Request[] = [];
  let atOnce = 0;
  let most = 0;
  const station: Station = {
    announce: (service, body, to) => opened.announce(service, body, to),
    routeTo: (net, until) => opened.routeTo(net, until),
    async request(request) {
      requests.push(request);
      atOnce += 1;
      most = Math.max(most, atOnce);
      const outcome = await opened.request(request);
      atOnce -= 1;
      return outcome;
    },
  };
  const deps = { station, clock: systemClock, counters: new Counters(), hear: ears.hear, signal };
  return {
    ...deps,
    requests,
    mostAtOnce: () => most,
    async find(port, instance = 1001) {
      const to = [{ host: "127.0.0.1", port }];
      const search = { to, low: instance, high: instance, waitMs: 2000, enough: 1 };
      const { devices } = await searchDevices(search, deps);
      const [found] = devices;
      if (found === undefined) throw new Error(`device ${instance} was not found`);
      return found;
    },
  };
}
