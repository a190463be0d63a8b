import type { Clock } from "#core/clock.ts";
import type { Endpoint } from "../codec/link.ts";
import type { StationCounting } from "./counters.ts";

/** A network behind a router. */
export interface Route {
  /** Network number, 1-65534. */
  readonly net: number;
  readonly router: Endpoint;
}

/** What the table of routes needs. */
export interface RoutesDeps {
  readonly clock: Clock;
  readonly counters: StationCounting;
  readonly timeoutMs: number;
  readonly retries: number;
  /** Asks all routers for one network. */
  whoIsRouter(net: number): void;
}

/** Those who wait for the router to one network. */
interface Search {
  readonly waiting: Set<(router: Endpoint | undefined) => void>;
  cancelTimer: () => void;
}

const MAX_ROUTES = 1024;

/** Which router leads to which network: learned from what comes in, asked for where it is unknown. [BACnet 6.5.3] */
export class Routes {
  readonly #deps: RoutesDeps;
  /** The one not heard of for longest is first. */
  readonly #routers = new Map<number, Endpoint>();
  readonly #searches = new Map<number, Search>();
  #closed = false;

  constructor(deps: RoutesDeps) {
    this.#deps = deps;
  }

  all(): readonly Route[] {
    return [...this.#routers].map(([net, router]) => ({ net, router }));
  }

  get(net: number): Endpoint | undefined {
    return this.#routers.get(net);
  }

  /** A message of that network came by way of this router, or the router says that it leads there. */
  learn(net: number, { host, port }: Endpoint): void {
    const router = { host, port };
    this.#routers.delete(net);
    this.#routers.set(net, router);
    if (this.#routers.size > MAX_ROUTES) {
      const [oldest] = this.#routers.keys();
      if (oldest !== undefined) this.#routers.delete(oldest);
    }
    for (const found of [...(this.#searches.get(net)?.waiting ?? [])]) found(router);
  }

  /** The router says that it does not get there. Only the router that is used may say so. */
  lose(net: number, { host, port }: Endpoint): void {
    const known = this.#routers.get(net);
    if (known?.host !== host || known.port !== port) return;
    this.#routers.delete(net);
    this.#deps.counters.add("routesLost");
  }

  /** Networks that this router leads to. */
  netsOf({ host, port }: Endpoint): readonly number[] {
    return this.all().flatMap(({ net, router }) => (router.host === host && router.port === port ? [net] : []));
  }

  /** The router to a network; asked for where it is unknown. Undefined when nobody answers, the signal aborts or this closes. */
  find(net: number, signal: AbortSignal): Promise<Endpoint | undefined> {
    const known = this.#routers.get(net);
    if (known !== undefined || signal.aborted || this.#closed) return Promise.resolve(known);
    return new Promise((resolve) => {
      // whoever asks second waits for the answer to the first
      const underWay = this.#searches.get(net);
      const search = underWay ?? { waiting: new Set(), cancelTimer: () => {} };
      const found = (router: Endpoint | undefined): void => {
        signal.removeEventListener("abort", giveUp);
        search.waiting.delete(found);
        if (search.waiting.size === 0) {
          search.cancelTimer();
          this.#searches.delete(net);
        }
        resolve(router);
      };
      const giveUp = (): void => found(undefined);
      signal.addEventListener("abort", giveUp, { once: true });
      search.waiting.add(found);
      if (underWay !== undefined) return;
      this.#searches.set(net, search);
      this.#ask(net, search, this.#deps.retries);
    });
  }

  /** Asks for all who wait: that one of them gives up ends nothing for the others. */
  #ask(net: number, search: Search, retriesLeft: number): void {
    search.cancelTimer = this.#deps.clock.after(this.#deps.timeoutMs, () => {
      if (retriesLeft > 0) this.#ask(net, search, retriesLeft - 1);
      else for (const found of [...search.waiting]) found(undefined);
    });
    this.#deps.whoIsRouter(net);
  }

  close(): void {
    this.#closed = true;
    for (const { waiting } of [...this.#searches.values()]) for (const found of [...waiting]) found(undefined);
    this.#routers.clear();
  }
}
