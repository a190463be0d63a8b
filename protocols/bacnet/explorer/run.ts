import { ConfigError, errorMessage, HubError } from "#core/errors.ts";
import { type CommandLine, parseCommandLine } from "./command-line.ts";
import { alarms } from "./commands/alarms.ts";
import { edeExport, edeImport } from "./commands/ede.ts";
import { read } from "./commands/read.ts";
import { scan } from "./commands/scan.ts";
import { subscribe } from "./commands/subscribe.ts";
import { trend } from "./commands/trend.ts";
import { whois } from "./commands/whois.ts";
import { write } from "./commands/write.ts";
import { printable } from "./table.ts";
import { type CommandName, helpText, UsageError } from "./usage.ts";
import { type ExplorerIo, Workbench } from "./workbench.ts";

type NetworkCommand = Exclude<CommandName, "ede-import">;

const COMMANDS: Readonly<Record<NetworkCommand, (line: CommandLine, bench: Workbench) => Promise<number>>> = {
  whois,
  scan,
  read,
  write,
  subscribe,
  alarms,
  trend,
  "ede-export": edeExport,
};

/** Runs one command of the explorer. 0: all went well; 1: a device did not answer or refused; 2: the command line is wrong. */
export async function runExplorer(args: readonly string[], io: ExplorerIo): Promise<number> {
  try {
    const asked = parseCommandLine(args);
    if ("help" in asked) {
      io.out(helpText(asked.help));
      return args.length === 0 ? 2 : 0;
    }
    const { command } = asked;
    if (command === "ede-import") return edeImport(asked, io);
    const bench = await Workbench.open(asked.network, io);
    try {
      return await COMMANDS[command](asked, bench);
    } finally {
      await bench.close();
    }
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    // Ctrl-C is an answer, not a fault
    if (io.signal.aborted) return 1;
    const text = error instanceof ConfigError ? error.problems.join("\n") : errorMessage(error);
    io.note(`${text.split("\n").map(printable).join("\n")}\n`);
    if (!(error instanceof UsageError)) return 1;
    io.note("npm run bacnet -- --help says what is possible\n");
    return 2;
  }
}
