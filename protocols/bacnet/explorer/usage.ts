import { HubError } from "#core/errors.ts";

/** The command line is not understood: the process ends with 2. */
export class UsageError extends HubError {
  constructor(message: string) {
    super("BACNET_USAGE", message);
  }
}

/** What was asked for did not succeed: no answer, or a refusal. The process ends with 1. */
export class FailedError extends HubError {
  constructor(message: string) {
    super("BACNET_FAILED", message);
  }
}

const GENERAL = `Options for every command:
  --interface <address>          own IPv4 address to bind (default: all)
  --port <number>                own UDP port; 0 takes a free one (default: 47808, a free one where it is taken)
  --broadcast <address[:port]>   where broadcasts go (default: the interface's own network, port 47808)
  --bbmd <address[:port]>        registers as foreign device there; broadcasts go out through it
  --to <address[:port][/net:mac]>  asks this device (or the one behind this router) instead of everybody
  --timeout <ms>                 wait for an answer before it is asked again (default: 3000)
  --retries <number>             repetitions before a device counts as silent (default: 2)
  --json                         one JSON document instead of tables (subscribe: one a line)
  --help                         this text, or that of a command

<device> is a device instance; it is found by Who-Is.
<object> is <type>:<instance>, e.g. analog-input:3, ai:3, msv:12, 130:1; a property follows a dot: ai:3.units,
bv:2.priorityArray[8], 130:1.512. Without one it is Present_Value.

Ends with 0 when all went well, 1 when a device did not answer or refused, 2 when the command line is wrong.
`;

/** Help of each command: how it is called, what it does, examples. */
export const COMMAND_HELP = {
  whois: `whois [low [high]] [--slice <count>] [--net <number>] [--wait <ms>]
  Lists the devices that answer Who-Is, with their names. --net asks one network behind a router.
    npm run bacnet -- whois
    npm run bacnet -- whois 1000 1999 --slice 100 --interface 192.168.1.5
    npm run bacnet -- whois --bbmd 10.0.0.1 --json
`,
  scan: `scan <device> [--points] [--earlier <file>] [--out <file>]
  Reads all objects of a device. --points gives the point list for the site's files instead; --out keeps the scan in a file,
  --earlier compares with such a file: what is new, missing or renamed.
    npm run bacnet -- scan 1001 --to 192.168.1.10
    npm run bacnet -- scan 1001 --points --json > points.json
    npm run bacnet -- scan 1001 --earlier may.json --out june.json
`,
  read: `read <device> <object>...
  Reads properties. The property "all" gives all that the object has.
    npm run bacnet -- read 1001 ai:1 ai:1.units av:3.priorityArray
    npm run bacnet -- read 1001 device:1001.all --to 192.168.1.10
`,
  write: `write <device> <object> <value> [--priority <1-16>]
  Writes a property, then shows it and who commands it. The value "null" relinquishes the priority (default 16 for a
  commandable property). Binary values may be active, inactive, on, off; nothing is asked back.
    npm run bacnet -- write 1001 av:1 21.5 --priority 8
    npm run bacnet -- write 1001 av:1 null --priority 8
    npm run bacnet -- write 1001 ai:1.covIncrement 0.5
`,
  subscribe: `subscribe <device> <object>... [--lifetime <s>] [--confirmed] [--for <s>]
  Shows changes of value until Ctrl-C or for so many seconds; the subscriptions are cancelled at the device then.
    npm run bacnet -- subscribe 1001 ai:1 bi:2
    npm run bacnet -- subscribe 1001 ai:1 --confirmed --lifetime 120 --json
`,
  alarms: `alarms <device> [--ack <object>|all] [--by <name>]
  Lists what is in alarm or waits to be acknowledged, and acknowledges it in the name of --by.
    npm run bacnet -- alarms 1001
    npm run bacnet -- alarms 1001 --ack ai:4 --by "Li Ming"
`,
  trend: `trend <device> <trend-log> [--last <count>] [--since <time>] [--until <time>] [--csv]
  Shows the records of a trend log, the last 100 when nothing else is asked for. Times are of the device's clock unless they
  name a zone.
    npm run bacnet -- trend 1001 trend-log:1 --last 20
    npm run bacnet -- trend 1001 tl:1 --since 2026-05-01T00:00 --csv > trend.csv
`,
  "ede-export": `ede-export <device>... --out <file.csv> [--project <name>] [--author <name>] [--comma]
  Scans devices and writes an EDE file (layout 2.3) with its state text, unit text and object type files beside it.
    npm run bacnet -- ede-export 1001 1002 --out plant_EDE.csv --project "Plant 1"
`,
  "ede-import": `ede-import <file.csv> [--states <file>] [--units <file>] [--types <file>]
  Reads an EDE file of any tool (; , or tab; UTF-8, UTF-16, GBK) and gives the point lists for the site's files, one a device.
  The other files are looked for beside it where they are not named.
    npm run bacnet -- ede-import plant_EDE.csv
    npm run bacnet -- ede-import plant_EDE.csv --json > points.json
`,
} as const;

/** Name of a command. */
export type CommandName = keyof typeof COMMAND_HELP;

/** Is this a command? */
export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMAND_HELP, name);
}

/** Help for one command, or for all. */
export function helpText(command?: CommandName): string {
  if (command !== undefined) return `npm run bacnet -- ${COMMAND_HELP[command]}\n${GENERAL}`;
  const all = Object.values(COMMAND_HELP).map((text) => `  ${text.split("\n", 1)[0]}`);
  return [
    "Looks at BACnet/IP networks: npm run bacnet -- <command> ...",
    "",
    "Commands:",
    ...all,
    "",
    "npm run bacnet -- <command> --help says more, with examples.",
    "",
    GENERAL,
  ].join("\n");
}
