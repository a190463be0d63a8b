import { describe, expect, it, onTestFinished } from "vitest";
import { ApiClient } from "#cloud/console/api/client.ts";
import { JournalApi, journalCsvAddress } from "#cloud/console/api/journal-api.ts";
import { shownTimeZone, showTimesIn } from "#cloud/console/i18n/format.ts";
import { filterOf, ofSiteInput, siteInput } from "#cloud/console/pages/journal/journal-query.ts";
import { addressOf, parseAddress } from "#cloud/console/router.ts";

const answering = (answer: () => Response) => {
  const asked: { url: string; init: RequestInit | undefined }[] = [];
  const client = new ApiClient({
    base: "/api/v1",
    fetch: async (url, init) => {
      asked.push({ url: String(url), init });
      return answer();
    },
    csrfToken: () => "token",
    onUnauthenticated: () => undefined,
  });
  return { asked, journal: new JournalApi(client) };
};

describe("the search of the journal in the address", () => {
  it("comes back from the address as it was put there", () => {
    const filter = {
      q: "冷水机组 & chiller",
      from: "2026-11-21T08:00:00.000Z",
      to: "2026-11-22T08:00:00.000Z",
      area: "tower",
      law: "facility",
      category: "equipment",
      priority: "high",
      transition: "acknowledged",
      actor: "li.wei",
      point: "park/gw-1/ahu-1/temp",
      alarm: "a-1",
    } as const;
    expect(filterOf(parseAddress(addressOf("/journal", filter)).query)).toEqual(filter);
  });

  it("leaves out what makes no sense, so that no address breaks the page", () => {
    expect(filterOf({ law: "martial", priority: "", transition: "exploded", from: "yesterday", q: "   " })).toEqual({});
    expect(filterOf({ from: "2026-11-22", to: "2026-11-21" })).toEqual({ from: "2026-11-22T00:00:00.000Z" });
    expect(filterOf({ q: "x".repeat(500) }).q).toHaveLength(100);
  });

  it("shows a time as it is at the site and takes it from there, wherever the browser stands", () => {
    const before = shownTimeZone();
    onTestFinished(() => showTimesIn(before));
    for (const [zone, shown] of [
      ["Asia/Shanghai", "2026-11-21T16:30"],
      ["Europe/Berlin", "2026-11-21T09:30"],
    ] as const) {
      showTimesIn(zone);
      expect(siteInput("2026-11-21T08:30:00.000Z")).toBe(shown);
      expect(ofSiteInput(shown)).toBe("2026-11-21T08:30:00.000Z");
    }
    expect([siteInput(undefined), ofSiteInput(""), ofSiteInput("nonsense")]).toEqual(["", undefined, undefined]);
  });

  it("is the same for the CSV file", () => {
    const address = new URL(journalCsvAddress({ q: "a&b=c", law: "security" }, "en"), "http://cloud");
    expect(Object.fromEntries(address.searchParams)).toEqual({ q: "a&b=c", law: "security", lang: "en" });
  });
});

describe("the export of evidence", () => {
  it("asks with the session's token and gives the file under the name that the cloud gave it", async () => {
    const { asked, journal } = answering(
      () =>
        new Response("zip bytes", {
          headers: {
            "content-disposition": `attachment; filename="evidence-a-1.zip"; filename*=UTF-8''evidence-a-1.zip`,
          },
        }),
    );
    const { name, content } = await journal.evidence("a/1", { reason: "police", lang: "en" });
    expect([name, await content.text()]).toEqual(["evidence-a-1.zip", "zip bytes"]);
    expect(asked).toMatchObject([
      {
        url: "/api/v1/alarms/a%2F1/evidence",
        init: { method: "POST", headers: { "x-csrf-token": "token" }, body: '{"reason":"police","lang":"en"}' },
      },
    ]);
  });

  it("tells a refusal by its code, and a file that was cut off", async () => {
    const problem = { type: "about:blank", title: "Too large", status: 413, code: "EVIDENCE_TOO_LARGE" };
    const refused = answering(() => Response.json(problem, { status: 413 }));
    await expect(refused.journal.evidence("a", { reason: "police" })).rejects.toMatchObject({
      code: "EVIDENCE_TOO_LARGE",
      status: 413,
    });
    const broken = new ReadableStream({
      pull(controller) {
        controller.error(new TypeError("network error"));
      },
    });
    const cut = answering(() => new Response(broken));
    await expect(cut.journal.evidence("a", { reason: "police" })).rejects.toMatchObject({ code: "OFFLINE" });
  });
});
