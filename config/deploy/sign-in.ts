import { readFileSync } from "node:fs";
import path from "node:path";

/** File with the first administrator's password, written once by the cloud, mode 600. */
export const FIRST_LOGIN_FILE = "first-login.txt";

/** How to sign in, in one line. The password is shown only while it is the one that was made at the first start. */
export function signInLine(data: string, ownPassword: boolean): string {
  if (ownPassword) return "admin, with the password of PARKHUB_ADMIN_PASSWORD";
  const file = path.join(data, FIRST_LOGIN_FILE);
  try {
    const password = /^password: (.+)$/m.exec(readFileSync(file, "utf8"))?.[1];
    if (password !== undefined) return `admin / ${password}   (kept in ${file})`;
  } catch {
    // No file: the administrator has removed it after noting the password.
  }
  return "admin, with the password that was set";
}
