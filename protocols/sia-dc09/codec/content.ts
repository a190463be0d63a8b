import { parseTimestamp } from "./timestamp.ts";

/** One report inside a frame: a code with the place it concerns. Numbers are strings without leading zeros. */
export interface Report {
  readonly format: "SIA-DCS" | "ADM-CID";
  /** Two letters (SIA DC-03) or three digits (Contact ID, SIA DC-05). */
  readonly code: string;
  /** Contact ID qualifier: a new event, its restore, or still present. SIA codes carry it in themselves. */
  readonly qualifier: "new" | "restore" | "present";
  readonly zone?: string;
  readonly partition?: string;
  readonly user?: string;
  readonly text?: string;
}

/** What stands between `[` and the end of a frame. */
export interface Content {
  /** Account inside the data, upper case, where the panel repeats it. */
  readonly account?: string;
  readonly data: string;
  /** Extended data: `[M...]` MAC address, `[X...]`, `[Y...]` coordinates and the like, as they stood. */
  readonly extended: readonly string[];
  /** Unix ms. */
  readonly timestamp?: number;
}

const CONTACT_ID = /^([136])(\d{3})[ ]?([0-9A-Fa-f]{2})[ ]?([0-9A-Fa-f]{3})$/;
const QUALIFIERS = { "1": "new", "3": "restore", "6": "present" } as const;

/** Splits the plain content of a frame; undefined when it has not the form of one or its time stamp is none. [SIA DC-09 §5.5.1.7 to 5.5.1.9] */
export function parseContent(content: string): Content | undefined {
  const end = content.indexOf("]");
  if (end < 0) return undefined;
  const match = /^((?:\[[^\]]*\])*)(_.*)?$/s.exec(content.slice(end + 1));
  if (match === null) return undefined;
  const extended = [...(match[1] ?? "").matchAll(/\[([^\]]*)\]/g)].map(([, text = ""]) => text);
  const stamp = match[2];
  const timestamp = stamp === undefined ? undefined : parseTimestamp(stamp);
  if (stamp !== undefined && timestamp === undefined) return undefined;
  const [, account, data = ""] = /^(?:#([0-9A-Fa-f]{3,16}))?\|?(.*)$/s.exec(content.slice(0, end)) ?? [];
  return {
    ...(account === undefined ? {} : { account: account.toUpperCase() }),
    data,
    extended,
    ...(timestamp === undefined ? {} : { timestamp }),
  };
}

const numbered = (digits: string): string | undefined => {
  const bare = digits.replace(/^0+/, "");
  return bare === "" ? undefined : bare;
};

/** The report of Contact ID data, `1131 01 015`; undefined when it is none. [SIA DC-05 §4] */
export function parseContactId(data: string): readonly Report[] | undefined {
  const [, qualifier, code, group = "", number = ""] = CONTACT_ID.exec(data.trim()) ?? [];
  if (code === undefined) return undefined;
  const partition = numbered(group);
  const place = numbered(number);
  // openings, closings and access carry a user in the place of a zone
  const isUser = code.startsWith("4");
  return [
    {
      format: "ADM-CID",
      code,
      qualifier: QUALIFIERS[qualifier as keyof typeof QUALIFIERS],
      ...(partition === undefined ? {} : { partition }),
      ...(place === undefined ? {} : isUser ? { user: place } : { zone: place }),
    },
  ];
}

interface Modifiers {
  partition?: string;
  user?: string;
}

/** The reports of SIA data, `Nti20:50/id12/ri4/BA3`, in order; undefined when it is none. [SIA DC-03 §6, DC-09 annex] */
export function parseSia(data: string): readonly Report[] | undefined {
  const reports: Report[] = [];
  for (const block of data.split("|")) {
    const kind = block[0];
    if (kind === "A") {
      const last = reports.at(-1);
      if (last !== undefined) reports[reports.length - 1] = { ...last, text: block.slice(1, 201) };
    } else if (kind === "N" || kind === "O") {
      const found = parseBlock(block.slice(1));
      if (found === undefined) return undefined;
      reports.push(...found);
    } else if (block !== "") return undefined;
  }
  return reports.length === 0 ? undefined : reports;
}

function parseBlock(block: string): readonly Report[] | undefined {
  const [codes = "", text] = block.split("^");
  const modifiers: Modifiers = {};
  const reports: Report[] = [];
  for (const token of codes.split("/")) {
    const event = /^([A-Z]{2})([0-9A-Fa-f]{0,8})$/.exec(token);
    if (event !== null) {
      const zone = numbered(event[2] ?? "");
      reports.push({
        format: "SIA-DCS",
        code: event[1] ?? "",
        qualifier: "new",
        ...(zone === undefined ? {} : { zone }),
        ...modifiers,
        ...(text === undefined || text === "" ? {} : { text: text.slice(0, 200) }),
      });
    } else if (!takeModifier(token, modifiers)) return undefined;
  }
  return reports;
}

/** `ri` partition, `id` user; `ti`, `da`, `pi`, `va` and the rest are passed over. False when it is no modifier. */
function takeModifier(token: string, modifiers: Modifiers): boolean {
  const [, name, value = ""] = /^([a-z]{2})(.*)$/.exec(token) ?? [];
  if (name === undefined) return token === "";
  const number = numbered(value);
  if (name === "ri" && number !== undefined) modifiers.partition = number;
  if (name === "id" && number !== undefined) modifiers.user = number;
  return true;
}
