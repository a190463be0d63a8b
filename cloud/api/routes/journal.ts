import { Readable } from "node:stream";
import { Page } from "#core/contracts/http.ts";
import { JournalChain, JournalCsvQuery, JournalListQuery, JournalRecord } from "#core/contracts/journal.ts";
import type { JournalQuery } from "../../journal-ports.ts";
import type { Actor } from "../../ports.ts";
import { attachment } from "../byte-range.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { pageOf } from "./parts.ts";

/** The journal of the alarms: search, export and the proof that it is whole. */
export function journalRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const queryOf = (
    { from, to, ...filters }: Omit<JournalListQuery, "limit" | "cursor" | "count">,
    actor: Actor,
  ): JournalQuery => ({
    ...filters,
    ...(from === undefined ? {} : { from: Date.parse(from) }),
    ...(to === undefined ? {} : { to: Date.parse(to) }),
    visible: deps.authority.spaces(actor, "alarm.read"),
  });
  return [
    route({
      method: "GET",
      url: "/alarms/journal",
      access: allow("alarm.read"),
      summary: "What happened to alarms, newest first: as it came to be known, with a time range by its source time",
      tag: "alarms",
      query: JournalListQuery,
      answer: Page(JournalRecord),
      handle({ query, actor }) {
        const { limit: _limit, cursor: _cursor, count: _count, ...filters } = query;
        return deps.journal.page({ ...pageOf(query), ...queryOf(filters, actor) });
      },
    }),
    route({
      method: "GET",
      url: "/alarms/journal.csv",
      access: allow("alarm.read"),
      summary: "The same as a CSV file that is streamed",
      tag: "alarms",
      query: JournalCsvQuery,
      async handle({ query, actor, reply }) {
        const { lang = "zh-CN", ...filters } = query;
        const lines = deps.journal.csv(queryOf(filters, actor), lang);
        // The first piece is made before the answer begins: what is refused is refused as a problem document.
        const first = await lines.next();
        const rest = async function* (): AsyncGenerator<string> {
          if (first.done !== true) yield first.value;
          yield* lines;
        };
        return reply
          .type("text/csv; charset=utf-8; header=present")
          .header("cache-control", "private, no-store")
          .header("content-disposition", attachment("alarm-journal", "csv"))
          .send(Readable.from(rest(), { objectMode: false }));
      },
    }),
    route({
      method: "GET",
      url: "/alarms/journal/verification",
      access: allow("audit.read"),
      summary: "Is the whole journal as it was written?",
      tag: "alarms",
      answer: JournalChain,
      handle: () => deps.journal.verify(),
    }),
  ];
}
