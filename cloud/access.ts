import path from "node:path";
import type { Clock } from "#core/clock.ts";
import { AuditChain } from "./audit/log.ts";
import { GrantAuthority } from "./auth/authority.ts";
import { makeFirstAdministrator } from "./auth/first-administrator.ts";
import { Access } from "./auth/service.ts";
import { Sessions } from "./auth/sessions.ts";
import { SignInThrottle } from "./auth/throttle.ts";
import { Tokens } from "./auth/tokens.ts";
import { Users } from "./auth/users.ts";
import type { Db } from "./db/database.ts";
import type { StoredCatalog } from "./site/catalog.ts";
import { withDescendants } from "./site/space-tree.ts";

const FIRST_LOGIN_FILE = "first-login.txt";

/** Who may do what, and who they are; makes the first administrator. Part of the composition root. */
export async function buildAccess(
  db: Db,
  catalog: StoredCatalog,
  options: { readonly data: string; readonly adminPassword?: string },
  clock: Clock,
) {
  const now = (): number => clock.now();
  const audit = new AuditChain(db, now);
  const users = new Users(db, now);
  const sessions = new Sessions(db, users, clock);
  const access = new Access({
    users,
    sessions,
    tokens: new Tokens(db, users, now),
    throttle: new SignInThrottle(clock),
    audit,
    clock,
  });
  const root = catalog.spaces().find((space) => space.parent === undefined)?.id ?? catalog.site;
  const authority = new GrantAuthority(() => ({ root, below: (space) => withDescendants(catalog.spaces(), space) }));
  if (await makeFirstAdministrator(users, root, options.adminPassword, path.join(options.data, FIRST_LOGIN_FILE)))
    audit.append({ actor: "system", action: "user.add", target: "admin", result: "ok" });
  return { audit, access, authority };
}
