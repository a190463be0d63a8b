/** Somebody's right to pass. Card numbers are texts: leading zeros count. */
export interface SimulatedCredential {
  readonly token: string;
  /** What the reader reads. */
  readonly card: string;
  readonly holder: string;
  /** false: withdrawn, e.g. because the card was lost; true when absent. */
  readonly enabled?: boolean;
  /** Unix ms. */
  readonly validFrom?: number;
  readonly validTo?: number;
  /** Doors that it opens; every door when absent. */
  readonly doors?: readonly string[];
  /** Shown when its holder is forced to open: the door opens, and the controller tells. */
  readonly duress?: boolean;
}

/** Why somebody may not pass. [ONVIF Access Control, DenyReason] */
export type DenyReason =
  | "CredentialNotEnabled"
  | "CredentialNotActive"
  | "CredentialExpired"
  | "Unauthorized"
  | "Other";

/** Why the credential does not open the door at that time, Unix ms; undefined where it does. */
export function denyReason(credential: SimulatedCredential, door: string, nowMs: number): DenyReason | undefined {
  if (credential.enabled === false) return "CredentialNotEnabled";
  if (credential.validFrom !== undefined && nowMs < credential.validFrom) return "CredentialNotActive";
  if (credential.validTo !== undefined && nowMs > credential.validTo) return "CredentialExpired";
  if (credential.doors !== undefined && !credential.doors.includes(door)) return "Unauthorized";
  return undefined;
}

/** People of the demo park: two who may pass, one whose card was lost, one who has left, one who may use door 1 only, one forced. */
export const DEMO_CREDENTIALS: readonly SimulatedCredential[] = [
  { token: "cred-001", card: "00012345678901234567", holder: "张敏 Zhang Min" },
  { token: "cred-002", card: "0004400817", holder: "李强 Li Qiang" },
  { token: "cred-003", card: "0004400818", holder: "王芳 Wang Fang", enabled: false },
  { token: "cred-004", card: "0004400819", holder: "陈伟 Chen Wei", validTo: Date.UTC(2025, 11, 31, 16) },
  { token: "cred-005", card: "0004400820", holder: "保洁 Cleaner", doors: ["door-1"] },
  { token: "cred-006", card: "0004400821", holder: "刘洋 Liu Yang", duress: true },
];
