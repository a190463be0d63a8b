import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { unzipSync, zipSync } from "fflate";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AlarmJournal } from "#cloud/alarms/journal-store.ts";
import { verifyPack } from "#cloud/evidence/verify.ts";
import { verifyCommand } from "#cloud/evidence/verify-main.ts";
import type { EvidenceManifest } from "#core/contracts/evidence.ts";
import type { PointId } from "#core/ids.ts";
import { anAlarm } from "#tests/fixtures/cloud/alarms.ts";
import { type ParkApi, parkApi, type SignedIn, START } from "#tests/fixtures/cloud/park-api.ts";
import { A_RUN } from "#tests/fixtures/cloud/services.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";
import { alarmOf, happeningOf } from "#tests/unit/cloud/journal/journal-park.ts";

const ALARM = "alarm-at-the-fence";
const REASON = "Asked for by the police, case 2026-117";
const PICTURE = randomBytes(5000);
const CLIP = randomBytes(300_000);
const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const GONE = "0".repeat(64);

let park: ParkApi;
let guard: SignedIn;
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "parkhub-evidence-"));
  park = await parkApi();
  guard = await park.person("guard", { role: "security", space: PARK.root });
  await park.deps.blobs.put(sha(PICTURE), "image/jpeg", PICTURE);
  await park.deps.blobs.put(sha(CLIP), "video/mp4", CLIP);
  const clip = {
    url: `/api/v1/blobs/${sha(CLIP)}`,
    state: "here",
    sha256: sha(CLIP),
    bytes: CLIP.length,
    camera: PARK.camera,
    startedAt: "2026-11-21T07:59:50.000Z",
    endedAt: "2026-11-21T08:00:20.000Z",
    triggerAt: "2026-11-21T08:00:00.000Z",
    timeBase: "rtcp",
    width: 640,
    height: 360,
    frames: 750,
  } as const;
  park.alarms.put(
    anAlarm(ALARM, "perimeter", {
      point: PARK.setpoint,
      message: `<script>alert("x")</script>`,
      snapshots: [`/api/v1/blobs/${sha(PICTURE)}`, `/api/v1/blobs/${GONE}`],
      clips: [clip],
      runs: [A_RUN.id],
    }),
  );
  const journal = new AlarmJournal(park.db, () => -1250);
  const alarm = alarmOf(ALARM);
  journal.write(happeningOf(alarm, { toldBy: PARK.gateway }));
  journal.write(happeningOf(alarmOf("another")));
  const said = { actor: "guard", station: "Desk 1", comment: "<b>a cat</b>", key: "1" };
  journal.write(happeningOf(alarm, { transition: "commented", at: START, receivedAt: START, ...said }));
  for (let i = 0; i < 7000; i++)
    park.telemetry.samples.push({
      point: PARK.setpoint as PointId,
      value: i % 100 === 0 ? null : 20 + i / 1000,
      quality: i % 100 === 0 ? "bad" : "good",
      ...(i % 100 === 0 ? { reason: "=comm lost" } : {}),
      observedAt: Date.parse("2026-11-21T07:55:00Z") + i * 100,
      epoch: "e",
      offset: i,
    } as never);
});
afterEach(async () => {
  await park.close();
  rmSync(folder, { recursive: true, force: true });
});

const ask = (as: SignedIn, payload: object = { reason: REASON, lang: "en" }, id = ALARM) =>
  park.ask("POST", `/alarms/${id}/evidence`, { as, payload });

async function pack(): Promise<Buffer> {
  const answer = await ask(guard);
  expect(answer.statusCode, answer.body.slice(0, 300)).toBe(200);
  return answer.rawPayload;
}

/** The pack with some of its files changed; undefined takes one out. */
function changed(bytes: Uint8Array, files: Readonly<Record<string, Uint8Array | string | undefined>>): Uint8Array {
  const given = { ...unzipSync(bytes), ...files };
  return zipSync(
    Object.fromEntries(
      Object.entries(given).flatMap(([name, content]) =>
        content === undefined ? [] : [[name, typeof content === "string" ? Buffer.from(content) : content]],
      ),
    ),
  );
}

const textOf = (bytes: Uint8Array, name: string): string => Buffer.from(unzipSync(bytes)[name] ?? []).toString("utf8");
const manifestOf = (bytes: Uint8Array) => JSON.parse(textOf(bytes, "manifest.json")) as EvidenceManifest;

describe("the evidence pack of an alarm", () => {
  it("holds everything about it, signed, and names what is missing", async () => {
    const bytes = await pack();
    const verdict = verifyPack(bytes, park.completeness.key.key);
    expect(verdict).toMatchObject({ good: true, signature: "good", journalFault: undefined });
    const paths = verdict.files.map((file) => file.path);
    expect(paths).toEqual(
      expect.arrayContaining(["report.html", "alarm.json", "journal.json", "runs.json", "commands.json", "audit.json"]),
    );
    expect(manifestOf(bytes)).toMatchObject({
      software: "parkhub test",
      site: PARK.site,
      exportedBy: "guard",
      reason: REASON,
      alarm: { id: ALARM, occurrence: 1 },
      clockOffsets: [{ source: PARK.gateway, offsetMs: -1250 }],
      journalHead: { seq: 3 },
      missing: [{ what: `snapshot, ${GONE}`, why: "coming" }],
    });
    const clip = paths.find((name) => name.endsWith(".mp4")) ?? "";
    expect(Buffer.compare(unzipSync(bytes)[clip] ?? Buffer.alloc(0), CLIP)).toBe(0);
    expect(paths.filter((name) => name.endsWith(".jpg"))).toHaveLength(1);
    expect(JSON.parse(textOf(bytes, "journal.json"))).toMatchObject([{ seq: 1 }, { seq: 3, station: "Desk 1" }]);
    expect(JSON.parse(textOf(bytes, "runs.json"))).toMatchObject([{ id: A_RUN.id }]);
    expect(JSON.parse(textOf(bytes, "audit.json"))).toMatchObject([
      { actor: "guard", action: "evidence.export", target: ALARM, result: "ok", detail: { reason: REASON } },
    ]);
  });

  it("holds every sample around it with its quality, whatever a page of them is", async () => {
    const bytes = await pack();
    const name = Object.keys(unzipSync(bytes)).find((file) => file.startsWith("trends/01-")) ?? "";
    const lines = textOf(bytes, name).trimEnd().split("\r\n");
    expect(lines).toHaveLength(1 + 7000);
    expect(lines[0]).toBe("\u{feff}time (UTC),point,value,unit,quality,reason,historical");
    expect(lines[1]).toMatch(/^2026-11-21T07:55:00\.000Z,.*,,.*,bad,'=comm lost,0$/);
    expect(lines[2]).toMatch(/^2026-11-21T07:55:00\.100Z,.*,20\.001,.*,good,,0$/);
    expect(new Set(lines).size).toBe(lines.length);
  });

  it("has a report in which what people wrote stays text, with no script and nothing from elsewhere", async () => {
    const report = textOf(await pack(), "report.html");
    expect(report).toContain("&lt;b&gt;a cat&lt;/b&gt;");
    expect(report).not.toMatch(/<script|<b>|https?:|javascript:| on[a-z]+=/i);
    expect(report).toContain(REASON);
    expect(report).toContain('lang="en"');
    const chinese = await ask(guard, { reason: REASON });
    const inChinese = textOf(chinese.rawPayload, "report.html");
    expect(inChinese).toContain("报警证据报告");
    expect(inChinese).toContain("<td>产生</td>");
    // What the hub itself calls things is told in the reader's language.
    expect(inChinese).not.toMatch(
      /<td>(raised|acknowledged)<\/td>|<dd>(urgent|high|medium|low|[a-z]+ \((facility|security)\))<\/dd>/,
    );
  });

  it("says for each file whether it was changed, taken away or added", async () => {
    const bytes = await pack();
    const verdict = verifyPack(
      changed(bytes, { "alarm.json": "{}", "runs.json": undefined, "media/99-new.jpg": PICTURE }),
    );
    expect(verdict.good).toBe(false);
    expect(verdict.signature).toBe("good");
    expect(verdict.files.filter(({ state }) => state !== "ok")).toEqual([
      { path: "alarm.json", state: "changed" },
      { path: "runs.json", state: "missing" },
      { path: "media/99-new.jpg", state: "added" },
    ]);
  });

  it("does not stand with another manifest, another signature or none", async () => {
    const bytes = await pack();
    const forged = textOf(bytes, "manifest.json").replace(REASON, "Asked for by nobody, case 2026-117");
    expect(verifyPack(changed(bytes, { "manifest.json": forged }))).toMatchObject({ good: false, signature: "bad" });
    expect(verifyPack(changed(bytes, { "manifest.sig": undefined }))).toMatchObject({
      good: false,
      signature: "missing",
    });
    expect(verifyPack(changed(bytes, { "manifest.sig": "no signature" }))).toMatchObject({ good: false });
    expect(() => verifyPack(changed(bytes, { "manifest.json": "[]" }))).toThrow(
      expect.objectContaining({ code: "EVIDENCE_PACK_INVALID" }),
    );
  });

  it("does not stand when somebody signs a changed pack with a key of his own and the site's is asked for", async () => {
    const bytes = await pack();
    expect(verifyPack(bytes, "ab".repeat(8))).toMatchObject({ good: false, signature: "foreign" });
    expect(() => verifyPack(bytes, "ab")).toThrow(expect.objectContaining({ code: "EVIDENCE_KEY_INVALID" }));
  });

  it("shows an entry of the journal that does not fit its hash, though the manifest lists its file", async () => {
    const bytes = await pack();
    const journal = textOf(bytes, "journal.json").replace("a cat", "a fox");
    const manifest = manifestOf(bytes);
    const files = manifest.files.map((file) =>
      file.path === "journal.json"
        ? { ...file, bytes: Buffer.byteLength(journal), sha256: sha(Buffer.from(journal)) }
        : file,
    );
    const verdict = verifyPack(
      changed(bytes, { "journal.json": journal, "manifest.json": JSON.stringify({ ...manifest, files }) }),
    );
    expect(verdict.files.every(({ state }) => state === "ok")).toBe(true);
    expect(verdict).toMatchObject({ good: false, signature: "bad", journalFault: "entry 3 does not fit its hash" });
  });

  it("is verified offline by a command that fails on any difference", async () => {
    const file = path.join(folder, "pack.zip");
    const bytes = await pack();
    const run = (content: Uint8Array | string, ...more: string[]): [number, string] => {
      writeFileSync(file, content);
      const lines: string[] = [];
      const code = verifyCommand([file, ...more], (line) => lines.push(line));
      return [code, lines.join("\n")];
    };
    const [good, told] = run(bytes, "--key", park.completeness.key.key);
    expect(good, told).toBe(0);
    expect(told).toContain("ok         journal.json");
    expect(told).toContain("good: everything is as it was signed");
    expect(run(changed(bytes, { "alarm.json": "{}" }))).toEqual([1, expect.stringContaining("changed    alarm.json")]);
    expect(run("no zip")).toEqual([1, expect.stringContaining("EVIDENCE_PACK_INVALID")]);
    expect(verifyCommand([path.join(folder, "nowhere.zip")], () => undefined)).toBe(1);
    expect(verifyCommand([], () => undefined)).toBe(1);
  });

  it("is made only with a reason, by who may export evidence there, and each time is audited", async () => {
    const viewer = await park.person("viewer", { role: "viewer", space: PARK.root });
    const elsewhere = await park.person("elsewhere", { role: "security", space: "building-a" });
    expect((await ask(guard, {})).json()).toMatchObject({ code: "VALIDATION" });
    expect((await ask(guard, { reason: "   " })).json()).toMatchObject({ code: "VALIDATION" });
    expect((await ask(viewer)).json()).toMatchObject({ code: "FORBIDDEN" });
    expect((await ask(elsewhere)).json()).toMatchObject({ code: "ALARM_UNKNOWN" });
    expect((await ask(guard, { reason: REASON }, "nowhere")).json()).toMatchObject({ code: "ALARM_UNKNOWN" });
    const exports = () => park.deps.audit.about(ALARM, 100).filter(({ action }) => action === "evidence.export");
    expect(exports()).toEqual([]);
    await pack();
    expect(exports()).toHaveLength(1);
  });
});
