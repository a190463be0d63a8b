import { Check, Errors } from "typebox/value";
import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import { type DeviceId, pointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import { type ActionCommand, Command, type CommandResult, type WriteCommand } from "#core/model/command.ts";
import type { EdgeAlarms } from "./alarms.ts";
import type { Effects } from "./effects.ts";
import type { Outbox } from "./outbox.ts";
import type { Writes } from "./writes.ts";

const SEEN = "command";
const FENCE = "fence";
const HIGHEST = "highest";
/** How long an id is remembered after its expiry, ms: the wall clock may be set back by so much without a second execution. */
const KEEP_SEEN_MS = 24 * 3_600_000;
const LONGEST_EXECUTION_MS = 30_000;

interface Seen {
  /** Unix ms. */
  readonly expiresAt: number;
  /** Executed, but its result is not yet queued. */
  readonly open: boolean;
}

export interface CommandsOptions {
  readonly outbox: Outbox;
  readonly writes: Writes;
  readonly effects: Effects;
  readonly alarms: EdgeAlarms;
  /** Is this an action whose result must not leave the gateway? */
  readonly isInternal: (action: string) => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Outcome = Omit<CommandResult, "id" | "finishedAt">;

const rejected = (code: string, message: string): Outcome => ({ status: "rejected", code, message });

/**
 * Commands of the cloud: each id is executed at most once, never after its expiry and never for a leader older than one already
 * seen. The id is on the disk before anything reaches a device; the result goes into the events lane.
 */
export class Commands {
  readonly #options: CommandsOptions;
  readonly #seen = new Map<string, Seen>();
  #fence = 0;
  #counters = { received: 0, done: 0, notDone: 0, duplicate: 0, malformed: 0 };

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  /** Monotonic counters since the start. */
  get counters(): Readonly<Record<string, number>> {
    return this.#counters;
  }

  /** Takes up what a former process had seen; a command it did not finish is told as failed, never executed again. */
  start(): void {
    const { outbox } = this.#options;
    this.#fence = Number(outbox.records(FENCE).get(HIGHEST) ?? 0);
    for (const [id, value] of outbox.records(SEEN)) {
      const seen = value as Seen;
      this.#seen.set(id, seen);
      if (seen.open)
        this.#finish(id, {
          status: "failed",
          code: "GATEWAY_RESTARTED",
          message: "the gateway restarted while it executed this: look at the device",
        });
    }
    this.sweep();
  }

  /** Forgets ids long expired. */
  sweep(): void {
    const { outbox, clock } = this.#options;
    for (const [id, { expiresAt, open }] of this.#seen)
      if (!open && expiresAt + KEEP_SEEN_MS < clock.now()) {
        this.#seen.delete(id);
        outbox.remove(SEEN, id);
      }
  }

  /** Takes one message of the command topic. Never throws; resolves when the result is queued. */
  async receive(payload: Uint8Array): Promise<void> {
    this.#counters.received++;
    const command = this.#read(payload);
    if (command === undefined) return;
    if (this.#seen.has(command.id)) {
      this.#counters.duplicate++;
      return;
    }
    const refusal = this.#refuse(command) ?? this.#remember(command);
    this.#finish(command.id, refusal ?? (await this.#execute(command).catch(unexpected)));
  }

  #read(payload: Uint8Array): Command | undefined {
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(payload).toString("utf8"));
    } catch (error) {
      this.#malformed(undefined, errorMessage(error));
      return undefined;
    }
    if (Check(Command, value)) return value;
    const [first] = Errors(Command, value);
    this.#malformed(value, first === undefined ? "no command" : `${first.instancePath || "/"} ${first.message}`);
    return undefined;
  }

  #malformed(value: unknown, cause: string): void {
    this.#counters.malformed++;
    this.#options.logger.warn({ cause }, "malformed command refused");
    const id = typeof value === "object" && value !== null && "id" in value ? value.id : undefined;
    if (typeof id === "string" && id !== "" && id.length <= 64 && !this.#seen.has(id))
      this.#tell(id, rejected("COMMAND_MALFORMED", cause));
  }

  #refuse({ expiresAt, fence }: Command): Outcome | undefined {
    const now = this.#options.clock.now();
    if (now > expiresAt)
      return { status: "expired", code: "COMMAND_EXPIRED", message: `expired ${now - expiresAt} ms ago` };
    if (fence < this.#fence)
      return rejected("COMMAND_FENCED", `fence ${fence} is of a former leader; ${this.#fence} was seen`);
    return undefined;
  }

  /** The id must be safe before anything is done: a crash in between may lose the command but never doubles it. */
  #remember({ id, expiresAt, fence }: Command): Outcome | undefined {
    const { outbox } = this.#options;
    this.#seen.set(id, { expiresAt, open: true });
    outbox.put(SEEN, id, { expiresAt, open: true } satisfies Seen);
    if (fence > this.#fence) {
      this.#fence = fence;
      outbox.put(FENCE, HIGHEST, fence);
    }
    if (outbox.commit()) return undefined;
    return rejected("STORAGE_UNAVAILABLE", "the gateway's disk refuses to remember the command, so it is not executed");
  }

  #finish(id: string, outcome: Outcome): void {
    const seen = this.#seen.get(id);
    if (seen !== undefined) {
      this.#seen.set(id, { ...seen, open: false });
      this.#options.outbox.put(SEEN, id, { ...seen, open: false } satisfies Seen);
    }
    this.#tell(id, outcome);
  }

  #tell(id: string, outcome: Outcome): void {
    if (outcome.status === "done") this.#counters.done++;
    else this.#counters.notDone++;
    const result: CommandResult = { id, ...outcome, finishedAt: this.#options.clock.now() };
    this.#options.outbox.append("events", { kind: "commandResult", result });
  }

  async #execute(command: Command): Promise<Outcome> {
    switch (command.kind) {
      case "write":
        return this.#write(command);
      case "action":
        return this.#act(command);
      case "alarm": {
        const refused = this.#options.alarms.command(command);
        return refused === undefined ? { status: "done" } : rejected(refused.code, refused.message);
      }
      default:
        return command satisfies never;
    }
  }

  #timeoutMs(expiresAt: number): number {
    return Math.max(1, Math.min(LONGEST_EXECUTION_MS, expiresAt - this.#options.clock.now()));
  }

  async #write({ point, value, priority, expiresAt, leaseMs, requestedBy }: WriteCommand): Promise<Outcome> {
    const timeoutMs = this.#timeoutMs(expiresAt);
    const lease = leaseMs === undefined ? {} : { leaseMs };
    const owner = requestedBy;
    return this.#options.writes.write({ point: pointId(point), value, priority, timeoutMs, owner, ...lease });
  }

  async #act({ device, action, params, expiresAt, cause }: ActionCommand): Promise<Outcome> {
    // a picture that a rule of the cloud asked for belongs to its alarm and run
    const context = { ...cause, timeoutMs: this.#timeoutMs(expiresAt) };
    const { effects, isInternal } = this.#options;
    if (isInternal(action))
      return rejected("ACTION_UNKNOWN", `${action} is for the gateway itself and not to be asked for from outside`);
    const { status, code, detail, blob } = await effects.act(device as DeviceId, action, params, context);
    if (status === "done") return { status: "done", ...(blob === undefined ? {} : { blob }) };
    return {
      status: status === "timeout" ? "timeout" : status === "failed" ? "failed" : "rejected",
      ...(code === undefined ? {} : { code }),
      ...(detail === undefined ? {} : { message: detail }),
    };
  }
}

function unexpected(error: unknown): Outcome {
  return { status: "failed", code: "UNEXPECTED", message: errorMessage(error) };
}
