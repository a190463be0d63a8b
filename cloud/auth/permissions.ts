import type { Role } from "#core/contracts/session.ts";

/** Everything that can be allowed, and what it allows. The only list: routes and console name these. */
export const PERMISSIONS = {
  "point.read": "see devices, points, values and history",
  "alarm.read": "see alarms, their journal and pictures",
  "alarm.acknowledge": "acknowledge alarms",
  "alarm.comment": "write a comment into an alarm's journal",
  "alarm.reset": "reset a latched alarm",
  "alarm.shelve": "shelve and unshelve facility alarms",
  "alarm.outOfService": "take alarms out of service and back",
  "alarm.assign": "assign alarms to people",
  "alarm.configure": "change alarm definitions",
  "maintenance.request": "ask for a maintenance permit, and end one",
  "maintenance.approve": "approve maintenance permits that somebody else asked for",
  "notify.manage": "set up operator positions, the on-call rota and the ways of notification",
  "procedure.write": "write and publish response procedures",
  "shift.sign": "write and sign shift handovers",
  "evidence.export": "export evidence packs of alarms",
  "command.write": "write points",
  "command.action": "move cameras, take pictures, record clips",
  "video.view": "watch cameras live and have a picture taken",
  "door.control": "open, lock and block doors",
  "access.read": "see who passed a door: credentials, cards, persons",
  "rule.read": "see linkage rules and their runs",
  "rule.write": "switch linkage rules on and off",
  "gateway.read": "see gateways, backlog and completeness",
  "gateway.manage": "search field networks, trust and reject certificates, restart devices and set their clocks",
  "system.manage": "see what the hub does in the background, and have failed jobs tried again",
  "site.read": "see spaces, partitions and zones",
  "user.manage": "see, make and change users and their grants",
  "token.manage": "make and withdraw one's own access tokens",
  "audit.read": "read the audit log",
} as const;
export type Permission = keyof typeof PERMISSIONS;

const SEE = ["point.read", "alarm.read", "rule.read", "gateway.read", "site.read"] as const;
const ATTEND = ["alarm.acknowledge", "alarm.comment", "alarm.reset", "alarm.assign", "shift.sign"] as const;
const ALARM_ENGINEER = [
  "alarm.configure",
  "maintenance.request",
  "maintenance.approve",
  "notify.manage",
  "procedure.write",
  "evidence.export",
] as const;
const GUARD = ["command.action", "video.view", "door.control"] as const;

/**
 * The oracle: what each role may do in the spaces it is granted for. `docs/permissions.md` is made from it.
 * The auditor reads and changes nothing; the administrator manages users but reads the audit log only as an auditor too
 * [GB/T 22239-2019 8.1.5: system, security and audit administration are apart].
 */
export const ROLE_PERMISSIONS: Readonly<Record<Role, readonly Permission[]>> = {
  viewer: [...SEE, "video.view"],
  operator: [...SEE, ...ATTEND, "alarm.shelve", "maintenance.request", "command.write", ...GUARD],
  security: [
    ...SEE,
    ...ATTEND,
    "maintenance.approve",
    "procedure.write",
    "evidence.export",
    ...GUARD,
    "access.read",
    "rule.write",
  ],
  engineer: [
    ...SEE,
    ...ATTEND,
    "alarm.shelve",
    "alarm.outOfService",
    ...ALARM_ENGINEER,
    "command.write",
    ...GUARD,
    "rule.write",
    "gateway.manage",
    "system.manage",
    "token.manage",
  ],
  integrator: [...SEE, "video.view", "gateway.manage", "token.manage"],
  administrator: [
    ...SEE,
    ...ATTEND,
    "alarm.shelve",
    "alarm.outOfService",
    ...ALARM_ENGINEER,
    "command.write",
    ...GUARD,
    "access.read",
    "rule.write",
    "gateway.manage",
    "system.manage",
    "user.manage",
    "token.manage",
  ],
  auditor: [...SEE, "audit.read"],
};

/** `docs/permissions.md`: the table for people. */
export function permissionsDocument(): string {
  const roles = Object.keys(ROLE_PERMISSIONS) as Role[];
  const rows = (Object.keys(PERMISSIONS) as Permission[]).map((permission) => {
    const marks = roles.map((role) => (ROLE_PERMISSIONS[role].includes(permission) ? "yes" : ""));
    return `| \`${permission}\` | ${PERMISSIONS[permission]} | ${marks.join(" | ")} |`;
  });
  return [
    "# Who may do what",
    "",
    "Made from `cloud/auth/permissions.ts`; a test checks that it tells the truth. A grant gives a role in one space and all below it.",
    "",
    `| permission | allows to | ${roles.join(" | ")} |`,
    `|---|---|${roles.map(() => "---").join("|")}|`,
    ...rows,
    "",
  ].join("\n");
}
