import { ALARM_WORDS } from "#core/alarm/words.ts";
import type { CommandView } from "#core/contracts/commands.ts";
import type { EvidenceGap, EvidenceManifest } from "#core/contracts/evidence.ts";
import type { RunView } from "#core/contracts/runs.ts";
import type { Space } from "#core/model/site.ts";
import type { ChainedRecord } from "../journal-ports.ts";
import { iso } from "../time.ts";
import type { PackedMedium } from "./media.ts";
import { REPORT_WORDS, type ReportLanguage, type ReportWords } from "./report-words.ts";
import type { AlarmFacts } from "./sources.ts";

/** What a report tells. */
export interface ReportFacts {
  readonly facts: AlarmFacts;
  readonly media: readonly PackedMedium[];
  readonly missing: readonly EvidenceGap[];
  readonly manifest: Pick<
    EvidenceManifest,
    "software" | "site" | "exportedAt" | "exportedBy" | "reason" | "journalHead" | "timeZone"
  >;
  /** Id of the signing key. */
  readonly fingerprint: string;
  readonly spaces: readonly Space[];
}

/** Markup that is safe as it is. */
class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | undefined | Html | readonly Html[];

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function markup(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(({ text }) => text).join("");
  return String(part).replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? "");
}

/** Everything put in is escaped unless it is markup of ours: what people and devices wrote stays text. */
function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(texts.map((text, i) => text + markup(parts[i])).join(""));
}

const STYLE =
  "body{font:14px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#111;background:#fff}" +
  "table{border-collapse:collapse;width:100%}td,th{border:1px solid #bbb;padding:3px 8px;text-align:left;vertical-align:top;overflow-wrap:anywhere}" +
  "th{background:#eee}img{max-width:480px;display:block}h2{margin-top:1.5em}dt{font-weight:600}dl{display:grid;grid-template-columns:12em 1fr;gap:2px 1em}dd{margin:0;overflow-wrap:anywhere}";

/** A page for people, with no script and nothing from elsewhere. */
export function reportOf(report: ReportFacts, language: ReportLanguage): string {
  const words = REPORT_WORDS[language];
  const { alarm } = report.facts;
  const message = language === "en" ? alarm.messageEn : alarm.message;
  return html`<!doctype html>
<html lang="${language}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src 'self' file:">
<title>${words.title}: ${message}</title><style>${new Html(STYLE)}</style></head><body>
<h1>${words.title}</h1>
<h2>${words.alarm}: ${message}</h2>${facts(report, words, language)}
<h2>${words.export}</h2>${exported(report, words)}
<h2>${words.journal}</h2>${journal(report.facts.journal, words, language)}
<h2>${words.linkage}</h2>${runs(report.facts.runs, words)}
<h2>${words.commands}</h2>${commands(report.facts.commands, words)}
<h2>${words.procedures}</h2><p>${report.facts.procedures.length === 0 ? words.none : words.procedureNote}</p>
<h2>${words.media}</h2>${media(report.media, words)}
<h2>${words.trends}</h2>${list(report.facts.points, words)}
<h2>${words.missing}</h2>${list(
    report.missing.map(({ what, why }) => `${what}: ${why}`),
    words,
  )}
<p>${words.verify}</p></body></html>
`.text;
}

function terms(pairs: readonly (readonly [string, string | number | undefined])[]): Html {
  const given = pairs.filter(([, value]) => value !== undefined && value !== "");
  return html`<dl>${given.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function table(
  heads: readonly string[],
  rows: readonly (readonly (string | number | undefined)[])[],
  words: ReportWords,
): Html {
  if (rows.length === 0) return html`<p>${words.none}</p>`;
  return html`<table><thead><tr>${heads.map((head) => html`<th>${head}</th>`)}</tr></thead><tbody>${rows.map(
    (row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table>`;
}

function list(items: readonly string[], words: ReportWords): Html {
  if (items.length === 0) return html`<p>${words.none}</p>`;
  return html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`;
}

function by(at: string | undefined, name: string | undefined): string | undefined {
  return at === undefined ? undefined : `${at} ${name ?? ""}`.trim();
}

function facts({ facts: { alarm }, spaces }: ReportFacts, words: ReportWords, language: ReportLanguage): Html {
  const space = spaces.find(({ id }) => id === alarm.area);
  const called = ALARM_WORDS[language];
  const area = space === undefined ? alarm.area : `${language === "en" ? space.nameEn : space.name} (${space.id})`;
  return terms([
    [words.id, alarm.id],
    [words.occurrence, alarm.occurrence],
    [words.priority, called.priority[alarm.priority]],
    [words.category, `${called.category[alarm.category]} (${called.law[alarm.law]})`],
    [words.area, area],
    [words.zone, alarm.zone],
    [words.source, alarm.source],
    [words.definition, alarm.definition],
    [words.raisedAt, alarm.raisedAt],
    [words.receivedAt, alarm.receivedAt],
    [words.clearedAt, alarm.clearedAt],
    [words.acknowledged, by(alarm.acknowledgedAt, alarm.acknowledgedBy)],
    [words.reset, by(alarm.resetAt, alarm.resetBy)],
  ]);
}

function exported({ manifest, fingerprint }: ReportFacts, words: ReportWords): Html {
  return terms([
    [words.exportedAt, manifest.exportedAt],
    [words.exportedBy, manifest.exportedBy],
    [words.reason, manifest.reason],
    [words.site, `${manifest.site} (${manifest.timeZone})`],
    [words.software, manifest.software],
    [words.key, fingerprint],
    [words.journalHead, `${manifest.journalHead.seq} ${manifest.journalHead.hash}`],
  ]);
}

function journal(entries: readonly ChainedRecord[], words: ReportWords, language: ReportLanguage): Html {
  const called: Readonly<Record<string, string>> = ALARM_WORDS[language].transition;
  const heads = ["#", words.sourceTime, words.received, words.event, words.who, words.why];
  const rows = entries.map((entry) => [
    entry.seq,
    iso(entry.at),
    iso(entry.received_at),
    called[entry.transition] ?? entry.transition,
    [entry.actor, entry.station].filter((part) => part !== null).join(" / "),
    entry.comment ?? undefined,
  ]);
  return table(heads, rows, words);
}

function runs(all: readonly RunView[], words: ReportWords): Html {
  const heads = [words.linkage, words.step, words.target, words.sourceTime, words.status];
  const rows = all.flatMap((run) => [
    [run.rule, "", run.ranOn, run.startedAt, `${run.outcome} ${run.reason ?? ""}`.trim()],
    ...run.steps.map((step) => [
      "",
      step.action,
      step.target,
      step.startedAt,
      `${step.status} ${step.detail ?? ""}`.trim(),
    ]),
  ]);
  return table(heads, rows, words);
}

function commands(all: readonly CommandView[], words: ReportWords): Html {
  const heads = [words.sourceTime, words.who, words.target, words.event, words.status];
  const rows = all.map((command) => [
    command.createdAt,
    command.requestedBy,
    command.point ?? command.device,
    command.action ?? JSON.stringify(command.value ?? null),
    `${command.status} ${command.code ?? ""}`.trim(),
  ]);
  return table(heads, rows, words);
}

function media(all: readonly PackedMedium[], words: ReportWords): Html {
  if (all.length === 0) return html`<p>${words.none}</p>`;
  return html`<ul>${all.map(
    ({ path, kind, camera, startedAt }) =>
      html`<li><a href="${path}">${path}</a> ${camera} ${startedAt}${
        kind === "snapshot" ? html`<img src="${path}" alt="${path}">` : undefined
      }</li>`,
  )}</ul>`;
}
