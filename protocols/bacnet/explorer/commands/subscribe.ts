import { errorCode } from "#core/errors.ts";
import { endOf } from "../../client/contact.ts";
import { CONFIRMED, ERROR_CLASS, ERROR_CODE, PROPERTIES, REJECT, UNCONFIRMED } from "../../codec/enums.ts";
import { type CovNotification, decodeCovNotification, encodeSubscribeCov } from "../../codec/services/cov.ts";
import { encodeError } from "../../codec/services/error.ts";
import type { ObjectProperty } from "../../codec/services/property.ts";
import { encodeSubscribeCovProperty } from "../../codec/services/subscribe-cov-property.ts";
import { pause } from "../../discovery/pause.ts";
import { sameObject } from "../../discovery/results.ts";
import type { Question, Reply } from "../../station/ports.ts";
import { type CommandLine, instanceOf, usage } from "../command-line.ts";
import { printable } from "../table.ts";
import { targetOfText, targetText } from "../target-text.ts";
import { FailedError, UsageError } from "../usage.ts";
import { plainValue, valuesText } from "../value-text.ts";
import { type Device, nameOf, type Workbench } from "../workbench.ts";

const MAX_PROCESS_ID = 0xffff_ffff;
const LONGEST_LIFETIME_S = 86_400;
const DEFAULT_LIFETIME_S = 300;
/** How long a device is waited for when its subscriptions are cancelled, ms. */
const CANCEL_MS = 5000;

/** Shows changes of value until Ctrl-C, or for `--for` seconds; cancels the subscriptions then. 1 when one was refused. */
export async function subscribe(line: CommandLine, bench: Workbench): Promise<number> {
  const [deviceWord, ...words] = line.words;
  const instance = instanceOf(deviceWord);
  if (words.length === 0) throw new UsageError("<object> is missing: expected at least one, e.g. ai:1");
  const targets = words.map((word) => usage("<object>", () => targetOfText(word)));
  const lifetimeS = line.number("lifetime", 10, LONGEST_LIFETIME_S) ?? DEFAULT_LIFETIME_S;
  const forS = line.number("for", 1, 31_536_000);
  const device = await bench.find(instance);
  const processId = 1 + Math.floor(Math.random() * MAX_PROCESS_ID);
  const watching = new Watching(line, bench, device, targets, processId);
  const deaf = bench.hear(({ service, body }) => {
    if (service === UNCONFIRMED.unconfirmedCovNotification) watching.notified(body);
  });
  bench.answer = (question) => watching.asked(question);
  const ending = new AbortController();
  const until = AbortSignal.any([bench.signal, ending.signal]);
  const cancelTimer = forS === undefined ? undefined : bench.clock.after(forS * 1000, () => ending.abort());
  try {
    const refused = await watching.subscribe({ confirmed: line.has("confirmed"), lifetimeS });
    if (refused === targets.length) return 1;
    bench.io.note(`${nameOf(device)}: ${targets.length - refused} subscriptions, Ctrl-C ends them\n`);
    while (!until.aborted) {
      await pause(bench.clock, lifetimeS * 500, until);
      if (!until.aborted) await watching.subscribe({ confirmed: line.has("confirmed"), lifetimeS });
    }
    return refused === 0 ? 0 : 1;
  } finally {
    cancelTimer?.();
    deaf();
    bench.answer = undefined;
    await watching.cancel();
  }
}

interface Subscription {
  readonly confirmed: boolean;
  readonly lifetimeS: number;
}

/** The subscriptions of one run. */
class Watching {
  readonly #line: CommandLine;
  readonly #bench: Workbench;
  readonly #device: Device;
  readonly #targets: readonly ObjectProperty[];
  readonly #processId: number;
  readonly #held = new Set<ObjectProperty>();

  constructor(
    line: CommandLine,
    bench: Workbench,
    device: Device,
    targets: readonly ObjectProperty[],
    processId: number,
  ) {
    this.#line = line;
    this.#bench = bench;
    this.#device = device;
    this.#targets = targets;
    this.#processId = processId;
  }

  /** Subscribes, or renews. How many were refused, each of which is told. */
  async subscribe(subscription: Subscription): Promise<number> {
    let refused = 0;
    for (const target of this.#targets) {
      if (this.#bench.signal.aborted) break;
      try {
        const [service, body] = this.#request(target, subscription);
        await this.#device.ask(service, body, `subscription to ${targetText(target)}`);
        this.#held.add(target);
      } catch (error) {
        if (!(error instanceof FailedError) || this.#bench.signal.aborted) throw error;
        this.#bench.io.note(`${error.message}\n`);
        refused += 1;
      }
    }
    return refused;
  }

  /** Ends the subscriptions at the device; one that is not answered ends with its lifetime, which is told. */
  async cancel(): Promise<void> {
    const { station, clock, io } = this.#bench;
    const giveUp = new AbortController();
    const cancelTimer = clock.after(CANCEL_MS, () => giveUp.abort());
    const { peer } = this.#device.found;
    for (const target of this.#held) {
      const [service, body] = this.#request(target, undefined);
      const outcome = await station.request({ peer, service, body, signal: giveUp.signal });
      const end = endOf(outcome, `cancelling ${targetText(target)}`);
      if (end.status !== "done") io.note(`${end.message}: the subscription ends with its lifetime\n`);
    }
    cancelTimer();
  }

  /** A confirmed notification: acknowledged where it is one of ours. [BACnet 13.6.1.6] */
  asked({ service, body }: Question): Reply {
    if (service !== CONFIRMED.confirmedCovNotification) return { kind: "reject", reason: REJECT.unrecognizedService };
    if (this.notified(body)) return { kind: "ack" };
    const unknown = { errorClass: ERROR_CLASS.services, errorCode: ERROR_CODE.unknownSubscription };
    return { kind: "error", body: encodeError(unknown) };
  }

  /** Shows a notification; false when it is none of ours. */
  notified(body: Uint8Array): boolean {
    const notification = decoded(body);
    const ours =
      notification !== undefined &&
      notification.processId === this.#processId &&
      notification.device.instance === this.#device.found.instance &&
      this.#targets.some(({ object }) => sameObject(object, notification.object));
    if (ours) this.#show(notification);
    return ours;
  }

  #request(target: ObjectProperty, subscription: Subscription | undefined): readonly [number, Uint8Array] {
    const { object, property, index } = target;
    const processId = this.#processId;
    if (property === PROPERTIES.presentValue && index === undefined) {
      const body = encodeSubscribeCov({ processId, object, ...(subscription === undefined ? {} : { subscription }) });
      return [CONFIRMED.subscribeCov, body];
    }
    const monitoredProperty = { property, ...(index === undefined ? {} : { index }) };
    const body = encodeSubscribeCovProperty({ processId, object, monitoredProperty, ...subscription });
    return [CONFIRMED.subscribeCovProperty, body];
  }

  #show({ object, values, timeRemainingS }: CovNotification): void {
    const at = new Date(this.#bench.clock.now()).toISOString();
    if (this.#line.json) {
      const told = values.map(({ property, index, values: list }) => [
        targetText({ object, property, ...(index === undefined ? {} : { index }) }),
        list.length === 1 && list[0] !== undefined
          ? plainValue({ object, property }, list[0])
          : list.map((value) => plainValue({ object, property }, value)),
      ]);
      this.#bench.io.out(`${JSON.stringify({ at, timeRemainingS, values: Object.fromEntries(told) })}\n`);
      return;
    }
    const texts = values.map(
      ({ property, values: list }) => `${targetText({ object, property })} = ${valuesText({ object, property }, list)}`,
    );
    this.#bench.io.out(`${at}  ${printable(texts.join("  "))}\n`);
  }
}

// what does not decode is none of ours
function decoded(body: Uint8Array): CovNotification | undefined {
  try {
    return decodeCovNotification(body);
  } catch (error) {
    if (errorCode(error) !== "BACNET_MALFORMED") throw error;
    return undefined;
  }
}
