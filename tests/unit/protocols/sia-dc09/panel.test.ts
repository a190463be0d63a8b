import { describe, expect, it } from "vitest";
import type { Report } from "#protocols/sia-dc09/codec/content.ts";
import { Panel } from "#protocols/sia-dc09/panel.ts";
import { recordDriver } from "#tests/contract/driver-contract.ts";
import { panelBinding } from "#tests/contract/sia-dc09-field.ts";
import { ManualClock } from "#tests/manual-clock.ts";

/** More zones than a panel's states are kept. */
const ZONES = 5_000;
const MOST_KEPT = 4_000;
const CONTENT = { data: "", extended: [] };

describe("a sender that names ever new zones", () => {
  it("has no more written for it than states are kept, neither while its alarms stand nor when they are over", () => {
    const clock = new ManualClock(Date.UTC(2026, 10, 21, 10, 0, 0));
    const { deps, conditions } = recordDriver({ clock });
    const panel = new Panel(panelBinding("plain", { account: "1234", restores: false }, {}), new Map(), deps);
    const written = new Set<string>();
    const take = (reports: readonly Report[], sequence: string): void => {
      const taken = panel.take(reports, CONTENT, { id: `plain.${sequence}`, sequence });
      for (const key of taken.states.keys()) written.add(key);
      taken.tell();
    };
    for (let zone = 0; zone < ZONES; zone++)
      take([{ format: "SIA-DCS", code: "BA", qualifier: "new", zone: zone.toString(16) }], String(zone));
    clock.advance(6_000);
    panel.watch();
    take([{ format: "SIA-DCS", code: "RP", qualifier: "new" }], "last");
    expect(conditions.flatMap((report) => report.conditions).filter(({ active }) => !active)).toHaveLength(ZONES);
    const standing = [...written].filter((key) => key.startsWith("withoutEnd "));
    expect(standing.length).toBeGreaterThan(0);
    expect(standing.length).toBeLessThanOrEqual(MOST_KEPT);
  });
});
