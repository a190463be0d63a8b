import { parseArgs } from "node:util";
import { errorMessage, HubError } from "#core/errors.ts";
import type { Peer } from "../codec/frame.ts";
import type { Endpoint } from "../codec/link.ts";
import { peerOfText } from "../discovery/peer-text.ts";
import { HIGHEST_INSTANCE } from "../discovery/search.ts";
import { type CommandName, isCommand, UsageError } from "./usage.ts";

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

const GENERAL = {
  interface: text,
  port: text,
  broadcast: text,
  bbmd: text,
  to: text,
  timeout: text,
  retries: text,
  json: flag,
  help: { ...flag, short: "h" },
} as const;

const SPECIAL = {
  slice: text,
  net: text,
  wait: text,
  points: flag,
  earlier: text,
  out: text,
  priority: text,
  lifetime: text,
  confirmed: flag,
  for: text,
  ack: text,
  by: text,
  last: text,
  since: text,
  until: text,
  csv: flag,
  project: text,
  author: text,
  comma: flag,
  states: text,
  units: text,
  types: text,
} as const;
type Special = keyof typeof SPECIAL;

/** Options of each command beside the general ones. */
const OF_COMMAND: Readonly<Record<CommandName, readonly Special[]>> = {
  whois: ["slice", "net", "wait"],
  scan: ["points", "earlier", "out"],
  read: [],
  write: ["priority"],
  subscribe: ["lifetime", "confirmed", "for"],
  alarms: ["ack", "by"],
  trend: ["last", "since", "until", "csv"],
  "ede-export": ["out", "project", "author", "comma"],
  "ede-import": ["states", "units", "types"],
};

/** How the own station is opened. */
export interface NetworkOptions {
  readonly interface: string;
  /** undefined: 47808 where it is free. */
  readonly port: number | undefined;
  readonly broadcast: Endpoint | undefined;
  readonly bbmd: Endpoint | undefined;
  readonly to: Peer | undefined;
  readonly timeoutMs: number;
  readonly retries: number;
}

/** A command line that was understood. */
export interface CommandLine {
  readonly command: CommandName;
  readonly words: readonly string[];
  readonly network: NetworkOptions;
  readonly json: boolean;
  option(name: Special): string | undefined;
  has(name: Special): boolean;
  /** @throws BACNET_USAGE when it is no whole number in the range */
  number(name: Special, lowest: number, highest: number): number | undefined;
}

/** What a command line asks for. */
export type Asked = CommandLine | { readonly help: CommandName | undefined };

/** Takes a command line apart. @throws BACNET_USAGE */
export function parseCommandLine(args: readonly string[]): Asked {
  const { values, positionals } = parsed(args);
  const [name, ...words] = positionals;
  const command = name !== undefined && isCommand(name) ? name : undefined;
  if (values.help || name === undefined) return { help: command };
  if (command === undefined) {
    throw new UsageError(`expected a command, one of ${Object.keys(OF_COMMAND).join(", ")}, got "${name}"`);
  }
  for (const option of Object.keys(SPECIAL) as Special[]) {
    if (values[option] !== undefined && !OF_COMMAND[command].includes(option)) {
      throw new UsageError(`--${option} is no option of ${command}`);
    }
  }
  const number = (option: keyof typeof GENERAL | Special, lowest: number, highest: number): number | undefined => {
    const value = values[option];
    return typeof value === "string" ? wholeNumber(`--${option}`, value, lowest, highest) : undefined;
  };
  return {
    command,
    words,
    network: {
      interface: endpointOf("--interface", values.interface)?.host ?? "0.0.0.0",
      port: number("port", 0, 65_535),
      broadcast: endpointOf("--broadcast", values.broadcast),
      bbmd: endpointOf("--bbmd", values.bbmd),
      to: values.to === undefined ? undefined : usage("--to", () => peerOfText(values.to ?? "")),
      timeoutMs: number("timeout", 50, 600_000) ?? 3000,
      retries: number("retries", 0, 20) ?? 2,
    },
    json: values.json ?? false,
    option: (option) => {
      const value = values[option];
      return typeof value === "string" ? value : undefined;
    },
    has: (option) => values[option] === true,
    number,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { ...GENERAL, ...SPECIAL }, allowPositionals: true });
  } catch (error) {
    throw new UsageError(errorMessage(error).split("\n", 1)[0] ?? "");
  }
}

/** Gives a HubError of what was typed as a fault of the command line, with its place. */
export function usage<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof HubError) throw new UsageError(`${where}: ${error.message}`);
    throw error;
  }
}

/** @throws BACNET_USAGE */
export function wholeNumber(where: string, word: string, lowest: number, highest: number): number {
  const number = /^-?\d{1,12}$/.test(word) ? Number(word) : Number.NaN;
  if (number >= lowest && number <= highest) return number;
  throw new UsageError(`${where}: expected a whole number from ${lowest} to ${highest}, got "${word}"`);
}

/** The device instance of a word. @throws BACNET_USAGE */
export function instanceOf(word: string | undefined): number {
  if (word === undefined) throw new UsageError("<device> is missing: expected a device instance, e.g. 1001");
  return wholeNumber("<device>", word, 0, HIGHEST_INSTANCE);
}

function endpointOf(where: string, word: string | undefined): Endpoint | undefined {
  if (word === undefined) return undefined;
  const { host, port, station } = usage(where, () => peerOfText(word));
  if (station !== undefined) throw new UsageError(`${where}: expected address[:port], got "${word}"`);
  return { host, port };
}
