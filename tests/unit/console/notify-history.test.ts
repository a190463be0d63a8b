import { describe, expect, it } from "vitest";
import {
  versionBefore,
  versionChanges,
  versionName,
  versionValue,
} from "#cloud/console/pages/notify/version-changes.ts";
import type { NotifyVersion } from "#core/contracts/notify.ts";

const version = (id: string, number: number, document: unknown): NotifyVersion => ({
  kind: "contacts",
  id,
  version: number,
  document,
  by: "chen",
  at: "2026-11-21T09:00:00.000Z",
});

describe("a change of the notification", () => {
  const LI = { name: "Li Wei", language: "en", groups: ["night"], phone: "021 5550 1234" };

  it("names each field that differs, with old and new", () => {
    expect(versionChanges(LI, { ...LI, phone: "021 5550 9999", groups: ["night", "fire"], email: "li@b.c" })).toEqual([
      { field: "groups", old: "night", now: "night; fire" },
      { field: "phone", old: "021 5550 1234", now: "021 5550 9999" },
      { field: "email", old: undefined, now: "li@b.c" },
    ]);
    expect(versionChanges(LI, { ...LI })).toEqual([]);
  });

  it("shows everything of what was made, and everything of what was removed", () => {
    expect(versionChanges(null, { name: "Li Wei" })).toEqual([{ field: "name", old: undefined, now: "Li Wei" }]);
    expect(versionChanges({ name: "Li Wei" }, null)).toEqual([{ field: "name", old: "Li Wei", now: undefined }]);
  });

  it("puts lists and objects into one line", () => {
    expect(versionValue([{ from: "08:00", to: "20:00", days: [1, 2] }])).toBe("from 08:00, to 20:00, days 1; 2");
    expect(versionValue(false)).toBe("false");
    expect(versionValue([])).toBe("–");
    expect(versionValue(null)).toBeUndefined();
  });

  it("is told against the newest version before it of the same thing", () => {
    const known = [version("li", 3, null), version("li", 1, LI), version("wang", 2, LI), version("li", 2, LI)];
    expect(versionBefore(version("li", 3, null), known)?.version).toBe(2);
    expect(versionBefore(version("li", 1, LI), known)).toBeUndefined();
  });

  it("goes by the name that the thing has, or had before it was removed", () => {
    expect(versionName(version("li", 2, LI), undefined, "en")).toBe("Li Wei");
    expect(versionName(version("li", 3, null), version("li", 2, LI), "en")).toBe("Li Wei");
    expect(versionName(version("rota", 1, { slots: [] }), undefined, "en")).toBe("rota");
    const desk = version("desk", 1, { name: "值班室", nameEn: "Control room" });
    expect(["zh-CN", "en"].map((one) => versionName(desk, undefined, one as "en"))).toEqual(["值班室", "Control room"]);
  });
});
