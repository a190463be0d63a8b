import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import type { Users } from "./users.ts";

/**
 * Makes the user `admin` in an empty database, as administrator and auditor of the whole site. Without a given password a
 * random one is made and kept in `file` (mode 600). True when the user was made.
 */
export async function makeFirstAdministrator(
  users: Users,
  root: string,
  given: string | undefined,
  file: string,
): Promise<boolean> {
  if (users.list().length > 0) return false;
  const password = given ?? randomBytes(15).toString("base64url");
  const grants = [
    { role: "administrator", space: root },
    { role: "auditor", space: root },
  ] as const;
  // The file first: a crash between the two must not leave an administrator whose password nobody knows.
  if (given === undefined) writeFileSync(file, `user: admin\npassword: ${password}\n`, { mode: 0o600 });
  await users.add({ name: "admin", displayName: "Administrator", grants }, password);
  return true;
}
