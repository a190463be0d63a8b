import { systemClock } from "#core/clock.ts";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { OperatorPositionView } from "#core/contracts/operator-position.ts";
import { ApiClient } from "./api/client.ts";
import { HubApi } from "./api/hub-api.ts";
import { SessionStore } from "./api/session-store.ts";
import { isInside, SiteStore } from "./api/site-names.ts";
import { NO_FLOOD } from "./live/alarm-flood.ts";
import { compareAlarms, isOpen } from "./live/alarm-order.ts";
import { AlarmCounter, type AlarmTally } from "./live/alarm-tally.ts";
import { openBrowserSocket, withNextFrame } from "./live/browser-socket.ts";
import { Cell } from "./live/cell.ts";
import { LiveCollection } from "./live/collection.ts";
import { LiveClient } from "./live/live-client.ts";
import { type Notice, Notices } from "./live/notices.ts";
import { Toasts } from "./live/toasts.ts";
import { type Memory, Preferences } from "./preferences.ts";
import { Router } from "./router.ts";
import { browserSound, unlockByUse } from "./sound/browser-sound.ts";
import type { HeardBy } from "./sound/sound-decision.ts";
import { SoundDesk } from "./sound/sound-desk.ts";
import { SoundPlayer } from "./sound/sound-player.ts";

/** Everything that lives as long as the page. */
export interface Services {
  readonly api: HubApi;
  readonly session: SessionStore;
  readonly site: SiteStore;
  readonly live: LiveClient;
  readonly alarms: LiveCollection<AlarmView>;
  /** How many of them there are. */
  readonly tally: Cell<AlarmTally>;
  readonly notices: Notices;
  readonly preferences: Preferences;
  readonly toasts: Toasts;
  /** The sounder of this workplace. */
  readonly sound: SoundDesk;
  /** Operator positions that can be chosen for a workplace. */
  readonly positions: Cell<readonly OperatorPositionView[]>;
  /** What the browser keeps between visits. */
  readonly memory: Memory;
  readonly router: Router;
}

/** So often the cloud is asked how loaded the operators are, ms. */
const LOAD_MS = 30_000;
/** Id of the load of the whole site. */
const WHOLE_SITE = "site";

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
  const { tally } = new AlarmCounter(alarms);
  const notices = new Notices();
  const preferences = new Preferences(browserMemory, {
    languages: navigator.languages,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    mark: Math.random().toString(36).slice(2, 6).padEnd(4, "0"),
  });
  const heardBy = new Cell<HeardBy>({ areas: [], categories: [] });
  const sound = new SoundDesk({
    clock: systemClock,
    alarms,
    player: new SoundPlayer(browserSound),
    volume: preferences.volume,
    heardBy,
    inside: (space, area) => isInside(site.names.get().spaces, space, area),
  });
  const toasts = new Toasts(systemClock);
  unlockByUse(sound.unlock);
  const positions = new Cell<readonly OperatorPositionView[]>([]);
  const hear = (): void => {
    const chosen = positions.get().find(({ id }) => id === preferences.position.get());
    heardBy.set({ areas: chosen?.areas ?? [], categories: chosen?.categories ?? [] });
  };
  positions.subscribe(hear);
  // Which area a place lies in is known only with the names.
  site.names.subscribe(hear);
  preferences.position.subscribe(hear);
  /** The cloud's own count: it has seen also what had closed before this page was opened. */
  const askLoad = async (): Promise<void> => {
    const { loads } = await api.qualityNow();
    const mine = loads.find(({ id }) => id === (preferences.position.get() || WHOLE_SITE));
    sound.told(mine === undefined ? NO_FLOOD : { flooding: mine.flood, raised: mine.count });
  };
  systemClock.every(LOAD_MS, () => {
    // Without an answer the page's own count stands.
    if (session.state.get().is === "in") void askLoad().catch(() => sound.told(NO_FLOOD));
  });
  const loadPositions = async (): Promise<void> => {
    // Who may not see the positions, or cannot reach them, hears everything.
    positions.set(await api.positions().catch(() => []));
  };
  live.view<AlarmView>("alarms", undefined, (message) => alarms.apply(message));
  live.view<Notice>("notices", undefined, (message) => notices.apply(message));
  session.state.subscribe(() => {
    if (session.state.get().is === "in") {
      live.start();
      sound.start();
      void site.load();
      void loadPositions();
      void askLoad().catch(() => sound.told(NO_FLOOD));
    } else {
      live.stop();
      sound.stop();
      alarms.clear();
      notices.clear();
    }
  });
  window.addEventListener("online", () => live.retryNow());
  const router = new Router({
    read: () => `${location.pathname}${location.search}`,
    write: (address, replace) => history[replace ? "replaceState" : "pushState"](null, "", address),
    onMove: (listener) => window.addEventListener("popstate", listener),
  });
  return {
    api,
    session,
    site,
    live,
    alarms,
    tally,
    notices,
    preferences,
    sound,
    toasts,
    positions,
    memory: browserMemory,
    router,
  };
}
