import { systemClock } from "#core/clock.ts";
import type { AlarmView } from "#core/contracts/http.ts";
import { ApiClient } from "./api/client.ts";
import { HubApi } from "./api/hub-api.ts";
import { SessionStore } from "./api/session-store.ts";
import { SiteStore } from "./api/site-names.ts";
import { compareAlarms, isOpen } from "./live/alarm-order.ts";
import { openBrowserSocket, withNextFrame } from "./live/browser-socket.ts";
import { LiveCollection } from "./live/collection.ts";
import { LiveClient } from "./live/live-client.ts";
import { type Notice, Notices } from "./live/notices.ts";
import { type Memory, Preferences } from "./preferences.ts";
import { Router } from "./router.ts";

/** Everything that lives as long as the page. */
export interface Services {
  readonly api: HubApi;
  readonly session: SessionStore;
  readonly site: SiteStore;
  readonly live: LiveClient;
  readonly alarms: LiveCollection<AlarmView>;
  readonly notices: Notices;
  readonly preferences: Preferences;
  /** What the browser keeps between visits. */
  readonly memory: Memory;
  readonly router: Router;
}

const browserMemory: Memory = {
  read(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  },
  write(name, value) {
    try {
      localStorage.setItem(name, value);
    } catch {
      // A browser that keeps nothing: it holds for this visit.
    }
  },
};

/** Puts the console together: the only place where its parts are made. */
export function createServices(): Services {
  const client: ApiClient = new ApiClient({
    base: "/api/v1",
    fetch: (input, init) => fetch(input, init),
    csrfToken: () => session.csrfToken(),
    onUnauthenticated: () => session.ended(),
  });
  const api = new HubApi(client);
  const session: SessionStore = new SessionStore(api);
  const site = new SiteStore(api);
  const live = new LiveClient({
    clock: systemClock,
    openSocket: openBrowserSocket,
    random: Math.random,
    onRefused: (ended) => {
      if (ended) session.ended();
      else void session.check();
    },
  });
  const alarms = new LiveCollection<AlarmView>({
    idOf: ({ id }) => id,
    compare: compareAlarms,
    keep: isOpen,
    schedule: withNextFrame,
  });
  const notices = new Notices();
  live.view<AlarmView>("alarms", undefined, (message) => alarms.apply(message));
  live.view<Notice>("notices", undefined, (message) => notices.apply(message));
  session.state.subscribe(() => {
    if (session.state.get().is === "in") {
      live.start();
      void site.load();
    } else {
      live.stop();
      alarms.clear();
      notices.clear();
    }
  });
  window.addEventListener("online", () => live.retryNow());
  const preferences = new Preferences(browserMemory, {
    languages: navigator.languages,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
  });
  const router = new Router({
    read: () => `${location.pathname}${location.search}`,
    write: (address, replace) => history[replace ? "replaceState" : "pushState"](null, "", address),
    onMove: (listener) => window.addEventListener("popstate", listener),
  });
  return { api, session, site, live, alarms, notices, preferences, memory: browserMemory, router };
}
