import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { PERMISSIONS, permissionsDocument, ROLE_PERMISSIONS } from "#cloud/auth/permissions.ts";
import { Role } from "#core/contracts/session.ts";

const root = path.resolve(import.meta.dirname, "../../../..");

it("is told to people as it is in docs/permissions.md", () => {
  expect(readFileSync(path.join(root, "docs/permissions.md"), "utf8")).toBe(permissionsDocument());
});

it("knows every role, and gives each only permissions that there are, once", () => {
  expect(Object.keys(ROLE_PERMISSIONS).sort()).toEqual([...Role.enum].sort());
  for (const [role, permissions] of Object.entries(ROLE_PERMISSIONS)) {
    expect(
      permissions.filter((permission) => !(permission in PERMISSIONS)),
      role,
    ).toEqual([]);
    expect(new Set(permissions).size, role).toBe(permissions.length);
  }
});

it("gives every permission to somebody", () => {
  const given = new Set(Object.values(ROLE_PERMISSIONS).flat());
  expect(Object.keys(PERMISSIONS).filter((permission) => !given.has(permission as never))).toEqual([]);
});

it("keeps the administration of users and the audit log apart, and lets viewer and auditor change nothing", () => {
  const holders = (permission: keyof typeof PERMISSIONS) =>
    Role.enum.filter((role) => ROLE_PERMISSIONS[role].includes(permission));
  expect(holders("audit.read")).toEqual(["auditor"]);
  expect(holders("user.manage")).toEqual(["administrator"]);
  const beyondReading = (role: Role) => ROLE_PERMISSIONS[role].filter((permission) => !permission.endsWith(".read"));
  expect([beyondReading("viewer"), beyondReading("auditor")]).toEqual([["video.view"], []]);
  expect(holders("door.control")).toEqual(["operator", "security", "engineer", "administrator"]);
  expect(holders("access.read")).toEqual(["security", "administrator"]);
});
