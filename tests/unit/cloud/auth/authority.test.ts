import { expect, it } from "vitest";
import { GrantAuthority } from "#cloud/auth/authority.ts";
import type { Actor } from "#cloud/ports.ts";
import { withDescendants } from "#cloud/site/space-tree.ts";
import type { Grant } from "#core/contracts/session.ts";
import type { Space } from "#core/model/site.ts";

const space = (id: string, parent?: string): Space => ({
  id,
  kind: "room",
  name: id,
  nameEn: id,
  ...(parent === undefined ? {} : { parent }),
});
let spaces = [space("park"), space("a", "park"), space("a-1", "a"), space("b", "park")];
const authority = new GrantAuthority(() => ({ root: "park", below: (id) => withDescendants(spaces, id) }));
const actor = (...grants: Grant[]): Actor => ({ name: "somebody", grants });

it("lets a role in a space and in all below it, and nowhere else", () => {
  const operator = actor({ role: "operator", space: "a" });
  expect(["park", "a", "a-1", "b", "nowhere"].map((id) => authority.may(operator, "command.write", id))).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
  expect(authority.may(operator, "command.write")).toBe(true);
  expect(authority.may(operator, "user.manage")).toBe(false);
  expect(authority.spaces(operator, "command.write")).toEqual(new Set(["a", "a-1"]));
});

it("does not mix the roles of different spaces", () => {
  const both = actor({ role: "viewer", space: "a" }, { role: "operator", space: "b" });
  expect(authority.may(both, "command.write", "a")).toBe(false);
  expect(authority.may(both, "command.write", "b")).toBe(true);
  expect(authority.spaces(both, "point.read")).toEqual(new Set(["a", "a-1", "b"]));
  expect(authority.spaces(both, "command.write")).toEqual(new Set(["b"]));
});

it("reaches everything with a grant at the root, also what is in no known space", () => {
  const viewer = actor({ role: "viewer", space: "park" });
  expect(authority.spaces(viewer, "point.read")).toBe("all");
  expect(authority.may(viewer, "point.read", "nowhere")).toBe(true);
  expect(authority.spaces(viewer, "command.write")).toEqual(new Set());
});

it("allows nothing without grants, and nothing that is no permission", () => {
  expect(authority.may(actor(), "point.read")).toBe(false);
  expect(authority.spaces(actor(), "point.read")).toEqual(new Set());
  expect(authority.may(actor({ role: "administrator", space: "park" }), "point.delete")).toBe(false);
  expect(authority.permissionsOf([])).toEqual([]);
});

it("follows the site as it changes", () => {
  const viewer = actor({ role: "viewer", space: "b" });
  expect(authority.may(viewer, "point.read", "new")).toBe(false);
  spaces = [...spaces, space("new", "b")];
  expect(authority.may(viewer, "point.read", "new")).toBe(true);
});
