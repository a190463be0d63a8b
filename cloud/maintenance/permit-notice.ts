import type { PermitView } from "#core/contracts/maintenance.ts";

/** What the consoles are told when a permit has ended. `at` is Unix ms. */
export function permitNotice({ id, workOrder, reason, endedAt, until, digest }: PermitView): {
  readonly at: number;
  readonly text: string;
  readonly textEn: string;
  readonly popup: boolean;
} {
  const name = workOrder ?? id;
  const { alarms = 0, raised = 0, active = 0 } = digest ?? {};
  return {
    at: Date.parse(endedAt ?? until),
    text: `检修许可 ${name} 已结束（${reason}）：期间抑制报警 ${alarms} 个、发生 ${raised} 次，仍有 ${active} 个未恢复`,
    textEn: `Maintenance permit ${name} has ended (${reason}): ${alarms} alarms held back, raised ${raised} times, ${active} still active`,
    popup: active > 0,
  };
}
