import type { AlarmView } from "#core/contracts/alarms.ts";
import { errorCode } from "#core/errors.ts";
import type { HubApi } from "../../api/hub-api.ts";
import type { AlarmActName } from "../../live/alarm-acts.ts";

/** What is told with an act. */
export interface ActDetails {
  readonly comment?: string;
  /** For shelving: how long. */
  readonly minutes?: number;
  /** For shelving: until it returns to normal. */
  readonly once?: true;
  /** For an assignment: the user name; null takes it back. */
  readonly assignee?: string | null;
}

/** How several fared. */
export interface Fared {
  readonly done: number;
  /** As they are now, where the cloud told: of very many it does not, and the live view does. */
  readonly alarms: readonly AlarmView[];
  /** Codes of what was refused. */
  readonly refused: readonly string[];
}

/** The requests of the acts. Every one names the occurrence that was looked at, and the workplace. */
export interface ActRequests {
  one(act: AlarmActName, alarm: AlarmView, details: ActDetails): Promise<AlarmView>;
  /** One after the other: what is refused does not stop the others. */
  oneByOne(act: AlarmActName, alarms: readonly AlarmView[], details: ActDetails): Promise<Fared>;
  /** In as few requests as possible. */
  together(act: "acknowledge" | "shelve", alarms: readonly AlarmView[], details: ActDetails): Promise<Fared>;
}

/** So many are named in one request: as many as the cloud takes. */
const LARGEST_REQUEST = 10_000;
/** Path segments of the acts. */
const PATHS: Readonly<Record<AlarmActName, string>> = {
  acknowledge: "acknowledge",
  reset: "reset",
  shelve: "shelve",
  unshelve: "unshelve",
  outOfService: "out-of-service",
  returnToService: "return-to-service",
  comment: "comment",
  assign: "assign",
};

/** The requests of one workplace (`station`). */
export function actRequests(api: Pick<HubApi, "actOnAlarm" | "actOnAlarms">, station: string): ActRequests {
  const one: ActRequests["one"] = (act, alarm, details) =>
    api.actOnAlarm(alarm.id, PATHS[act], { occurrence: alarm.occurrence, station, ...details });

  const oneByOne: ActRequests["oneByOne"] = async (act, alarms, details) => {
    const done: AlarmView[] = [];
    const refused: string[] = [];
    for (const alarm of alarms)
      try {
        done.push(await one(act, alarm, details));
      } catch (error) {
        refused.push(errorCode(error));
      }
    return { done: done.length, alarms: done, refused };
  };

  const together: ActRequests["together"] = async (act, alarms, { comment, minutes, once }) => {
    const words = {
      station,
      ...(comment === undefined ? {} : { comment }),
      ...(minutes === undefined ? {} : { minutes }),
      ...(once === undefined ? {} : { once }),
    };
    const pages = Array.from({ length: Math.ceil(alarms.length / LARGEST_REQUEST) }, (_, page) =>
      alarms
        .slice(page * LARGEST_REQUEST, (page + 1) * LARGEST_REQUEST)
        .map(({ id, occurrence }) => ({ id, occurrence })),
    );
    const answers = [];
    for (const items of pages) answers.push(...(await api.actOnAlarms(act, items, words)).items);
    const refused = answers.flatMap(({ problem }) => problem?.code ?? []);
    return { done: answers.length - refused.length, alarms: answers.flatMap(({ alarm }) => alarm ?? []), refused };
  };
  return { one, oneByOne, together };
}
