import { type Static, Type } from "typebox";

const closed = { additionalProperties: false } as const;

export const Role = Type.Enum(["viewer", "operator", "security", "engineer", "integrator", "administrator", "auditor"]);
export type Role = Static<typeof Role>;

/** A role in a space and all below it. */
export const Grant = Type.Object({ role: Role, space: Type.String() }, closed);
export type Grant = Static<typeof Grant>;

export const SignIn = Type.Object(
  { username: Type.String({ minLength: 1, maxLength: 64 }), password: Type.String({ minLength: 1, maxLength: 256 }) },
  closed,
);
export type SignIn = Static<typeof SignIn>;

/** Somebody's own new password, with the one that counts now. */
export const PasswordChange = Type.Object(
  {
    current: Type.String({ minLength: 1, maxLength: 256 }),
    password: Type.String({ maxLength: 256, description: "The new one, 12 characters or more." }),
  },
  closed,
);
export type PasswordChange = Static<typeof PasswordChange>;

export const Session = Type.Object({
  user: Type.Object({ name: Type.String(), displayName: Type.String() }),
  grants: Type.Array(Grant),
  permissions: Type.Array(Type.String(), {
    description: "What the grants allow somewhere; the console hides the rest.",
  }),
  csrfToken: Type.String({ description: "Send as X-CSRF-Token with every mutation by cookie." }),
  expiresAt: Type.String({ format: "date-time" }),
  site: Type.Object({
    id: Type.String(),
    timeZone: Type.String({ description: "IANA time zone of the site: the console shows every time in it." }),
  }),
});
export type Session = Static<typeof Session>;
