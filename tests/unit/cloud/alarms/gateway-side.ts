import { type AlarmEvent, apply } from "#core/alarm/lifecycle.ts";
import type { CommandResultItem } from "#core/contracts/lanes.ts";
import type { Alarm } from "#core/model/alarm.ts";
import type { AlarmCommand } from "#core/model/command.ts";
import type { DomainBench, Domains } from "../domain-bench.ts";
import { GW1, minted, told } from "../small-park.ts";

function eventOf({
  action,
  occurrence,
  requestedBy: by,
  createdAt: at,
  reason = "",
  until = 0,
  once = false,
}: AlarmCommand): AlarmEvent {
  switch (action) {
    case "acknowledge":
    case "reset":
      return { type: action, occurrence, by, at };
    case "shelve":
      return { type: "shelve", occurrence, until, reason, once };
    case "outOfService":
      return { type: "outOfService", occurrence, reason };
    case "unshelve":
    case "returnToService":
      return { type: action, occurrence };
    default:
      return action satisfies never;
  }
}

/** The first gateway of the small park with its alarms: it raises, and does what it is sent by the core's own rules. */
export class GatewaySide {
  readonly alarms = new Map<string, Alarm>();
  readonly #bench: DomainBench;
  readonly #cloud: () => Domains;
  #episode = 0;
  #done = 0;

  constructor(bench: DomainBench, cloud: () => Domains) {
    this.#bench = bench;
    this.#cloud = cloud;
  }

  /** Acts on alarms that were sent so far. */
  get sent(): readonly AlarmCommand[] {
    return this.#cloud().link.sent.flatMap(({ command }) => (command.kind === "alarm" ? [command] : []));
  }

  /** Raises a new alarm and tells it. */
  raise(category: "intrusion" | "comfort", fields: Partial<Alarm> = {}): Alarm {
    const at = this.#bench.clock.now();
    const alarm = { ...minted({ category, episode: ++this.#episode, at }), ...fields };
    this.alarms.set(alarm.id, alarm);
    this.#cloud().item(GW1, told(alarm));
    return alarm;
  }

  /** Something happens to an alarm at the gateway. False: it was refused, or was so before. */
  happens(id: string, event: AlarmEvent, actor?: string): boolean {
    const alarm = this.alarms.get(id);
    if (alarm === undefined) throw new Error(`the gateway has no alarm ${id}`);
    const now = this.#bench.clock.now();
    const result = apply(alarm, event, { now, side: "minting" });
    if ("refused" in result || result.transition === undefined) return false;
    this.alarms.set(id, result.alarm);
    const by = actor === undefined ? {} : { actor };
    this.#cloud().item(GW1, told(result.alarm, result.transition, { at: now, ...by }));
    return true;
  }

  /** Does what it was sent and answers it. */
  obey(): void {
    const commands = this.sent.slice(this.#done);
    this.#done += commands.length;
    for (const command of commands) {
      this.happens(command.alarm, eventOf(command), command.requestedBy);
      const result: CommandResultItem = {
        offset: 0,
        at: this.#bench.clock.now(),
        kind: "commandResult",
        result: { id: command.id, status: "done", finishedAt: this.#bench.clock.now() },
      };
      this.#cloud().item(GW1, result);
    }
  }
}
