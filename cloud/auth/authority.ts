import { type Grant, Role } from "#core/contracts/session.ts";
import type { Actor, Authority } from "../ports.ts";
import { PERMISSIONS, ROLE_PERMISSIONS } from "./permissions.ts";

/** What of the space tree decides over a grant. */
export interface SpaceTree {
  /** A space and all below it. */
  below(space: string): ReadonlySet<string>;
  /** The site's root space. */
  readonly root: string;
}

/** Decides by the one table and the space tree. A grant at the root reaches everything, also what has no space. */
export class GrantAuthority implements Authority {
  readonly #tree: () => SpaceTree;
  readonly roles: readonly Role[] = Role.enum;

  /** `tree` is asked each time, because the site changes. */
  constructor(tree: () => SpaceTree) {
    this.#tree = tree;
  }

  may(actor: Actor, permission: string, space?: string): boolean {
    const tree = this.#tree();
    return actor.grants.some((grant) => {
      if (!gives(grant, permission)) return false;
      return space === undefined || grant.space === tree.root || tree.below(grant.space).has(space);
    });
  }

  spaces(actor: Actor, permission: string): "all" | ReadonlySet<string> {
    const tree = this.#tree();
    const giving = actor.grants.filter((grant) => gives(grant, permission));
    if (giving.some((grant) => grant.space === tree.root)) return "all";
    return new Set(giving.flatMap((grant) => [...tree.below(grant.space)]));
  }

  permissionsOf(grants: readonly Grant[]): readonly string[] {
    return Object.keys(PERMISSIONS).filter((permission) => grants.some((grant) => gives(grant, permission)));
  }
}

function gives(grant: Grant, permission: string): boolean {
  return (ROLE_PERMISSIONS[grant.role] as readonly string[]).includes(permission);
}
