import { describe, expect, it } from "vitest";
import { Violations } from "#cloud/broker/violations.ts";
import type { AuditLog } from "#cloud/ports.ts";
import { silentLogger } from "#core/logger.ts";
import { ManualClock } from "#tests/manual-clock.ts";

describe("what is refused at the broker", () => {
  function open(): { clock: ManualClock; audited: string[]; violations: Violations } {
    const clock = new ManualClock(1_790_000_000_000);
    const audited: string[] = [];
    const audit: Pick<AuditLog, "append"> = {
      append: ({ actor, detail }) => audited.push(`${actor} ${JSON.stringify(detail)}`),
    };
    return { clock, audited, violations: new Violations({ clock, audit: audit as AuditLog, logger: silentLogger }) };
  }

  it("is audited once a minute for each peer, with how often it came meanwhile", () => {
    const { clock, audited, violations } = open();
    for (let i = 0; i < 5; i++) violations.report("badCredential", "park:gw-1", {});
    clock.advance(60_000);
    violations.report("badCredential", "park:gw-1", {});
    expect(audited).toEqual(['park:gw-1 {"unreported":0}', 'park:gw-1 {"unreported":4}']);
    expect(violations.counts.get("badCredential")).toBe(6);
  });

  it("is audited only so often, whatever a stranger calls himself, and counted every time", () => {
    const { clock, audited, violations } = open();
    for (let i = 0; i < 10_000; i++) violations.report("badCredential", `stranger-${i}`, {});
    expect(audited).toHaveLength(30);
    violations.report("foreignPublish", "park/gw-1", {});
    expect(audited).toHaveLength(31);
    clock.advance(60_000);
    violations.report("badCredential", "later", {});
    expect(audited).toHaveLength(32);
    expect(violations.counts.get("badCredential")).toBe(10_001);
  });
});
