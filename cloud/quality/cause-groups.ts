import { type CauseFacts, groupByCause } from "#core/alarm/cause.ts";
import type { CauseGroup } from "#core/contracts/alarm-quality.ts";
import type { AlarmService, PageResult, Visible } from "../ports.ts";
import { breath } from "./journal-rows.ts";

const PAGE = 200;
/** Beyond it the first ones tell enough. */
const MOST_OPEN = 20_000;
/** Groups that are told. */
const MOST_GROUPS = 100;

/** Open alarms folded under what caused them, the largest first; only causes of more than one. */
export async function causeGroups(
  alarms: Pick<AlarmService, "list">,
  visible: Visible,
): Promise<readonly CauseGroup[]> {
  const open: (CauseFacts & { readonly message: string; readonly messageEn: string })[] = [];
  let cursor: string | undefined;
  do {
    const page: PageResult<(typeof open)[number]> = alarms.list({
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
      state: "open",
      visible,
    });
    open.push(...page.items);
    cursor = page.nextCursor;
    await breath();
  } while (cursor !== undefined && open.length < MOST_OPEN);
  return groupByCause(open)
    .filter(({ count }) => count > 1)
    .sort((a, b) => b.count - a.count)
    .slice(0, MOST_GROUPS)
    .map(({ cause, count, first }) => {
      const { id, message, messageEn, raisedAt } = first;
      return { cause, count, first: { id, message, messageEn, raisedAt } };
    });
}
