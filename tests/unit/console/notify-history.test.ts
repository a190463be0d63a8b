import { createInstance } from "i18next";
import { beforeAll, describe, expect, it } from "vitest";
import { en } from "#cloud/console/i18n/en.ts";
import {
  versionBefore,
  versionChanges,
  versionName,
  versionValue,
} from "#cloud/console/pages/notify/version-changes.ts";
import { fieldWord, versionWords } from "#cloud/console/pages/notify/version-words.ts";
import type { NotifyVersion } from "#core/contracts/notify.ts";

const texts = createInstance();
beforeAll(() =>
  texts.init({ lng: "en", resources: { en: { translation: en } }, interpolation: { escapeValue: false } }),
);
const said = { t: texts.t, exists: (key: string) => texts.exists(key) };
const named = (names: Readonly<Record<string, string>>) => (id: string) => names[id];
const words = versionWords(said, {
  place: named({ "b1-f2": "Building 1 / Floor 2" }),
  contact: named({ li: "Li Wei" }),
  channel: named({ mail: "Mail of the site" }),
  position: named({ desk: "Control room" }),
});
const changes = (before: unknown, after: unknown) => versionChanges(before, after, words);

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
    expect(changes(LI, { ...LI, phone: "021 5550 9999", groups: ["night", "fire"], email: "li@b.c" })).toEqual([
      { field: "groups", old: "night", now: "night; fire" },
      { field: "phone", old: "021 5550 1234", now: "021 5550 9999" },
      { field: "email", old: undefined, now: "li@b.c" },
    ]);
    expect(changes(LI, { ...LI })).toEqual([]);
  });

  it("shows everything of what was made, and everything of what was removed", () => {
    expect(changes(null, { name: "Li Wei" })).toEqual([{ field: "name", old: undefined, now: "Li Wei" }]);
    expect(changes({ name: "Li Wei" }, null)).toEqual([{ field: "name", old: "Li Wei", now: undefined }]);
  });

  it("puts lists and objects into one line", () => {
    const slot = { from: "08:00", to: "20:00", days: [1, 2], contacts: ["li", "gone"] };
    expect(versionValue("slots", [slot], words)).toBe("From 08:00, To 20:00, Days Mon; Tue, People Li Wei; gone");
    expect(versionValue("groups", [], words)).toBe("–");
    expect(versionValue("groups", null, words)).toBeUndefined();
  });

  it("is said in the words of the forms, and by the names of what it names", () => {
    const value = (field: string, what: unknown) => versionValue(field, what, words);
    expect(value("enabled", false)).toBe("no");
    expect(value("priorities", ["urgent", "low"])).toBe("Urgent; Low");
    expect(value("categories", ["intrusion"])).toBe("Intrusion");
    expect(value("laws", ["security"])).toBe("Security");
    expect(value("on", ["raised", "escalated"])).toBe("raised; escalated");
    expect(value("areas", ["b1-f2", "b9"])).toBe("Building 1 / Floor 2; b9");
    expect(value("position", "desk")).toBe("Control room");
    expect(value("escalateMinutes", { urgent: 2, medium: 0 })).toBe("Urgent 2 min, Medium never");
    expect(value("chatIds", { wecom: "li" })).toBe("WeCom li");
    const to = [
      { type: "onCall", position: "desk" },
      { type: "contact", contact: "li" },
      { type: "group", group: "night" },
    ];
    expect(value("steps", [{ afterMinutes: 5, to, channels: ["mail"] }])).toBe(
      "After minutes 5, People On call: Control room; Li Wei; Group: night, Channels (the next one when one fails) Mail of the site",
    );
    expect(fieldWord("channels", "user", said)).toBe("Account");
    expect(fieldWord("positions", "escalateMinutes", said)).toBe("Escalate after");
    expect(fieldWord("rules", "unheardOf", said)).toBeUndefined();
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
