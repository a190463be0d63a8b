import type { Session } from "#core/contracts/session.ts";
import { errorCode } from "#core/errors.ts";
import { showTimesIn } from "../i18n/format.ts";
import { Cell } from "../live/cell.ts";
import type { HubApi } from "./hub-api.ts";

/** Who is signed in. `checking`: not known yet. `unreachable`: the cloud could not be asked. */
export type SessionState =
  | { readonly is: "checking" }
  | { readonly is: "unreachable" }
  | { readonly is: "out"; readonly expired: boolean }
  | { readonly is: "in"; readonly session: Session; readonly permissions: ReadonlySet<string> };

type SessionApi = Pick<HubApi, "session" | "signIn" | "signOut">;

/** The session of this page. */
export class SessionStore {
  readonly state = new Cell<SessionState>({ is: "checking" });
  readonly #api: SessionApi;

  constructor(api: SessionApi) {
    this.#api = api;
  }

  /** The CSRF token, while somebody is signed in. */
  readonly csrfToken = (): string | undefined => {
    const state = this.state.get();
    return state.is === "in" ? state.session.csrfToken : undefined;
  };

  /** Asks the cloud whether the cookie still counts. A cloud that cannot be reached ends no session. */
  async check(): Promise<void> {
    const before = this.state.get();
    try {
      const session = await this.#api.session();
      if (before.is !== "in") this.#enter(session);
    } catch (error) {
      if (errorCode(error) === "UNAUTHENTICATED") this.ended();
      else if (before.is !== "in") this.state.set({ is: "unreachable" });
    }
  }

  /** @throws ApiError: SIGN_IN_REFUSED, SIGN_IN_THROTTLED, OFFLINE */
  async signIn(username: string, password: string): Promise<void> {
    this.#enter(await this.#api.signIn({ username, password }));
  }

  /** Ends the session here, and in the cloud when it can be reached. */
  async signOut(): Promise<void> {
    await this.#api.signOut().catch(() => undefined);
    this.state.set({ is: "out", expired: false });
  }

  /** The cloud has told that the session is over. */
  readonly ended = (): void => {
    const before = this.state.get();
    if (before.is !== "out") this.state.set({ is: "out", expired: before.is === "in" });
  };

  #enter(session: Session): void {
    showTimesIn(session.site.timeZone);
    this.state.set({ is: "in", session, permissions: new Set(session.permissions) });
  }
}
