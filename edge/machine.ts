import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const FILES = ["/etc/machine-id", "/var/lib/dbus/machine-id"];

/**
 * What tells this machine from others, 16 hex digits; undefined where the system keeps no such id. The id itself is not to leave
 * the machine, so it is hashed. @see machine-id(5)
 */
export function machineId(files: readonly string[] = FILES): string | undefined {
  for (const file of files) {
    try {
      const id = readFileSync(file, "utf8").trim();
      if (id.length >= 16) return createHash("sha256").update(`parkhub outbox ${id}`).digest("hex").slice(0, 16);
    } catch {
      // not on this system: the next one, or none
    }
  }
  return undefined;
}
