import type { Clock } from "#core/clock.ts";
import type { Grant, PasswordChange } from "#core/contracts/session.ts";
import { HubError } from "#core/errors.ts";
import type { AccessService, Actor, AuditLog, SessionHandle, TokenEntry, UserEntry } from "../ports.ts";
import type { LiveSession, Sessions } from "./sessions.ts";
import type { SignInThrottle } from "./throttle.ts";
import type { Tokens } from "./tokens.ts";
import { UNKNOWN_USER, type User, type Users } from "./users.ts";

export interface AccessDeps {
  readonly users: Users;
  readonly sessions: Sessions;
  readonly tokens: Tokens;
  readonly throttle: SignInThrottle;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

/** Sign-in, sessions, users and tokens, each act audited. */
export class Access implements AccessService {
  readonly #deps: AccessDeps;

  constructor(deps: AccessDeps) {
    this.#deps = deps;
  }

  async signIn(username: string, password: string, ip: string): Promise<{ id: string; session: SessionHandle }> {
    const { sessions, audit } = this.#deps;
    const user = await this.#prove(username, password, ip, "session.signIn");
    if (user === undefined) throw new HubError("SIGN_IN_REFUSED", "user name or password is wrong");
    const { id, session } = sessions.open(user, ip);
    audit.append({ actor: user.name, action: "session.signIn", result: "ok", ip });
    return { id, session: handle(session) };
  }

  async changePassword({ key, user }: SessionHandle, change: PasswordChange, ip: string): Promise<void> {
    const { users, sessions, audit } = this.#deps;
    if ((await this.#prove(user.name, change.current, ip, "user.password")) === undefined)
      throw new HubError("PASSWORD_WRONG", "current: this is not the password that counts now");
    await users.changePassword(user.name, change);
    // Whoever knew the old one is out. [OWASP ASVS 5.0 V7.4.3]
    sessions.closeOthers(user.name, key);
    audit.append({ actor: user.name, action: "user.password", target: user.name, result: "ok", ip });
  }

  session(id: string): SessionHandle | undefined {
    const session = this.#deps.sessions.find(id);
    return session && handle(session);
  }

  sessionByKey(key: string): SessionHandle | undefined {
    const session = this.#deps.sessions.byKey(key, false);
    return session && handle(session);
  }

  signOut(session: SessionHandle, ip: string): void {
    this.#deps.sessions.close(session.key);
    this.#deps.audit.append({ actor: session.user.name, action: "session.signOut", result: "ok", ip });
  }

  onSessionEnd(listener: (key: string) => void): () => void {
    return this.#deps.sessions.onEnd(listener);
  }

  bearer(token: string): { readonly name: string; readonly grants: readonly Grant[] } | undefined {
    return this.#deps.tokens.find(token);
  }

  users(): readonly UserEntry[] {
    return this.#deps.users.list();
  }

  async addUser(user: Omit<UserEntry, "disabled">, password: string, actor: Actor): Promise<UserEntry> {
    const added = await this.#deps.users.add(user, password);
    this.#audit(actor, "user.add", user.name, { grants: user.grants });
    return added;
  }

  tokens(user: string): readonly TokenEntry[] {
    return this.#deps.tokens.list(user);
  }

  addToken(
    user: string,
    name: string,
    grants: readonly Grant[],
    expiresAt: number | null,
    actor: Actor,
  ): { token: string; entry: TokenEntry } {
    const owner = this.#deps.users.get(user);
    if (owner === undefined)
      throw new HubError("USER_UNKNOWN", `user ${user}: tokens belong to users, and there is none of this name`);
    const made = this.#deps.tokens.add(owner, name, grants, expiresAt);
    this.#audit(actor, "token.add", made.entry.id, { name, grants });
    return made;
  }

  removeToken(user: string, id: string, actor: Actor): boolean {
    const removed = this.#deps.tokens.remove(user, id);
    if (removed) this.#audit(actor, "token.remove", id);
    return removed;
  }

  /** The user whose name and password these are; guesses of either kind are counted together. @throws SIGN_IN_THROTTLED */
  async #prove(username: string, password: string, ip: string, action: string): Promise<User | undefined> {
    const { users, throttle } = this.#deps;
    const keys = { user: `user:${username.toLowerCase()}`, ip: `ip:${ip}` };
    const both = [keys.user, keys.ip];
    const waitMs = throttle.waitMs(both);
    if (waitMs > 0) {
      if (throttle.firstRefusal(both)) this.#refused(username, ip, action, "SIGN_IN_THROTTLED");
      throw new HubError("SIGN_IN_THROTTLED", `too many failed attempts: try again in ${Math.ceil(waitMs / 1000)} s`);
    }
    // Counted before the hash is made: attempts that come at once must not all pass.
    throttle.failed(both);
    const user = await users.authenticate(username, password);
    if (user === undefined) {
      this.#refused(username, ip, action, "SIGN_IN_REFUSED");
      return undefined;
    }
    throttle.succeeded(keys.user);
    throttle.takeBack(keys.ip);
    return user;
  }

  /** A name that nobody has is not written down: people type their password into the wrong field. */
  #refused(username: string, ip: string, action: string, code: string): void {
    const actor = this.#deps.users.get(username) === undefined ? UNKNOWN_USER : username;
    this.#deps.audit.append({ actor, action, result: "refused", ip, detail: { code } });
  }

  #audit(actor: Actor, action: string, target: string, detail?: Record<string, unknown>): void {
    const ip = actor.ip === undefined ? {} : { ip: actor.ip };
    this.#deps.audit.append({
      actor: actor.name,
      action,
      target,
      result: "ok",
      ...ip,
      ...(detail === undefined ? {} : { detail }),
    });
  }
}

function handle({ key, user, csrfToken, expiresAt }: LiveSession): SessionHandle {
  return { key, user: { name: user.name, displayName: user.displayName }, grants: user.grants, csrfToken, expiresAt };
}
