import type { Clock } from "#core/clock.ts";
import type { CommandRequest, CommandView } from "#core/contracts/commands.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { Effect } from "#core/linkage/action.ts";
import type { PlannedStep } from "#core/linkage/evaluate.ts";
import type { Run, RunStepStatus } from "#core/linkage/rule.ts";
import { type EffectEnd, together } from "#core/linkage/step-end.ts";
import type { Command } from "#core/model/command.ts";
import type { OpenRun } from "./store.ts";

/** How the rules of the cloud reach devices: as commands to the gateways that own them. */
export interface CommandPort {
  /** Resolves when the command has ended. */
  perform(order: {
    readonly request: CommandRequest;
    readonly requestedBy: string;
    readonly leaseMs?: number;
    readonly cause?: NonNullable<Command["cause"]>;
  }): Promise<CommandView>;
}

/** How the rules of the cloud reach people. */
export interface NoticePort {
  /** Keeps a notice; the returned callback tells it. */
  take(notice: {
    readonly at: number;
    readonly text: string;
    readonly textEn: string;
    readonly popup: boolean;
    readonly camera?: string;
    readonly alarm?: string;
    readonly rule?: string;
  }): () => void;
}

type RunStep = Run["steps"][number];

const STEP_STATUS = {
  done: "done",
  rejected: "refused",
  expired: "timeout",
  timeout: "timeout",
  failed: "failed",
  pending: "failed",
  sent: "failed",
} as const satisfies Record<CommandView["status"], RunStepStatus>;

/** Performs what rules of the cloud have planned. The only place of the cloud that causes anything by itself. */
export class Executor {
  readonly #commands: CommandPort;
  readonly #notices: NoticePort;
  readonly #clock: Clock;

  constructor(commands: CommandPort, notices: NoticePort, clock: Clock) {
    this.#commands = commands;
    this.#notices = notices;
    this.#clock = clock;
  }

  /** Performs a whole run: groups one after the other, the steps of a group together. Never throws. */
  async perform(run: OpenRun): Promise<readonly RunStep[]> {
    const done: RunStep[] = [];
    let stopped = false;
    for (const group of groupsOf(run.steps)) {
      const steps = await Promise.all(
        group.map((step) =>
          stopped ? this.unperformed(step, "skipped", "a step before it failed") : this.#step(step, run),
        ),
      );
      done.push(...steps);
      stopped ||= group.some((step, at) => step.onFailure === "stop" && isFailure(steps[at]));
    }
    return done;
  }

  /** The record of a step that was not performed. */
  unperformed(step: PlannedStep, status: RunStepStatus, detail: string | undefined): RunStep {
    const now = this.#clock.now();
    return { ...frameOf(step), status, startedAt: now, finishedAt: now, ...(detail === undefined ? {} : { detail }) };
  }

  async #step(step: PlannedStep, run: OpenRun): Promise<RunStep> {
    if (step.status === "skipped") return this.unperformed(step, "skipped", step.detail);
    const startedAt = this.#clock.now();
    // One that fails keeps none of the others back: of several doors each that can be released is.
    const ends = await Promise.all(step.effects.map((effect, index) => this.#attempt(effect, step, run, index)));
    const end = together(ends);
    const detail = end.detail ?? step.detail;
    return {
      ...frameOf(step),
      status: end.status,
      startedAt,
      finishedAt: this.#clock.now(),
      ...(detail === undefined ? {} : { detail }),
      ...(end.blob === undefined ? {} : { blob: end.blob }),
    };
  }

  async #attempt(effect: Effect, step: PlannedStep, run: OpenRun, index: number): Promise<EffectEnd> {
    try {
      return await this.#effect(effect, step, run, index);
    } catch (error) {
      return { status: "refused", detail: `${errorCode(error)}: ${errorMessage(error)}` };
    }
  }

  #effect(effect: Effect, step: PlannedStep, run: OpenRun, index: number): Promise<EffectEnd> {
    // The key makes a run that is taken up after a crash find its command instead of giving a second one.
    const common = { expiresInMs: step.timeoutMs, idempotencyKey: `${run.id}:${step.index}:${index}` };
    switch (effect.kind) {
      case "write": {
        const { point, value, priority, leaseMs } = effect;
        return this.#command({ ...common, point, value, priority, reason: reasonOf(run) }, run, leaseMs);
      }
      case "ptzPreset": {
        const { device, kind: action, preset } = effect;
        return this.#command({ ...common, device, action, params: { preset }, reason: reasonOf(run) }, run);
      }
      case "snapshot": {
        const { device, kind: action } = effect;
        return this.#command({ ...common, device, action, params: {}, reason: reasonOf(run) }, run);
      }
      case "recordClip": {
        const { device, kind: action, beforeMs, afterMs } = effect;
        const params = { beforeMs, afterMs };
        return this.#command({ ...common, device, action, params, reason: reasonOf(run) }, run);
      }
      case "door": {
        const { device, door, operation } = effect;
        const params = { door, operation };
        return this.#command({ ...common, device, action: "doorControl", params, reason: reasonOf(run) }, run);
      }
      case "notifyConsole":
        return Promise.resolve(this.#notify(effect, run));
      default:
        return effect satisfies never;
    }
  }

  async #command(
    request: CommandRequest,
    { id, rule, alarm, occurrence }: OpenRun,
    leaseMs?: number,
  ): Promise<EffectEnd> {
    const { status, code, message, readBack, blob } = await this.#commands.perform({
      request,
      requestedBy: `rule:${rule}`,
      cause: {
        run: id,
        rule,
        ...(alarm === undefined ? {} : { alarm }),
        ...(occurrence === undefined ? {} : { occurrence }),
      },
      ...(leaseMs === undefined ? {} : { leaseMs }),
    });
    const said = [code, message].filter((part) => part !== undefined).join(": ");
    const detail = said === "" && readBack !== undefined ? `read back ${JSON.stringify(readBack)}` : said;
    return {
      status: STEP_STATUS[status],
      ...(detail === "" ? {} : { detail }),
      ...(blob === undefined ? {} : { blob: blob.slice(blob.lastIndexOf("/") + 1) }),
    };
  }

  #notify(effect: Extract<Effect, { kind: "notifyConsole" }>, { rule, alarm }: OpenRun): EffectEnd {
    const { text, textEn, popup, camera } = effect;
    this.#notices.take({
      at: this.#clock.now(),
      text,
      textEn,
      popup,
      rule,
      ...(camera === undefined ? {} : { camera }),
      ...(alarm === undefined ? {} : { alarm }),
    })();
    return { status: "done" };
  }
}

/** Did the step end otherwise than it should? */
export function isFailure(step: RunStep | undefined): boolean {
  return step !== undefined && (step.status === "failed" || step.status === "timeout" || step.status === "refused");
}

function frameOf({ action, target }: PlannedStep): Pick<RunStep, "action" | "target"> {
  return { action, ...(target === undefined ? {} : { target }) };
}

function reasonOf({ rule, reason }: OpenRun): string {
  return `rule ${rule}: ${reason ?? ""}`.slice(0, 500);
}

/** Steps by group, in rising order. */
function groupsOf(steps: readonly PlannedStep[]): readonly (readonly PlannedStep[])[] {
  return [...Map.groupBy(steps, ({ group }) => group)].sort(([a], [b]) => a - b).map(([, group]) => group);
}
