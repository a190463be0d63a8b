import type { Clock } from "#core/clock.ts";
import { CommunicationError, errorCode, errorMessage, InvalidInputError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { decodePulledMessages, decodeSubscription, type Notification, remainingLife } from "./codec/notification.ts";
import { formatDateTime, formatDuration } from "./codec/time.ts";
import { serializeXml, type XmlElement } from "./codec/xml.ts";
import type { OnvifSettings } from "./config.ts";
import type { OnvifCounters } from "./counters.ts";
import { backOffMs, sleep } from "./sleep.ts";
import type { SoapCall, SoapClient } from "./soap-client.ts";

const MESSAGE_LIMIT = 100;
const FIRST_BACK_OFF_MS = 500;
const LONGEST_BACK_OFF_MS = 10_000;
/** A subscription that held for so long was sound; its loss starts the back-off anew. */
const SOUND_AFTER_MS = 10_000;
/** Devices that answer an empty pull at once instead of holding it are asked no more often than this. */
const EMPTY_PULL_MS = 500;
const SHORTEST_PULL_MS = 1000;
const LONGEST_LIFE_MS = 3_600_000;
const SHORTEST_LIFE_MS = 5000;
/** A device that tells its properties is asked so often to tell them again, to see that its events still flow. */
const REPEAT_PERIOD_MS = 300_000;
/** It has done so after so long, or its events are dead. */
const REPEATED_WITHIN_MS = 30_000;

const ACTIONS = {
  create: "http://www.onvif.org/ver10/events/wsdl/EventPortType/CreatePullPointSubscriptionRequest",
  pull: "http://www.onvif.org/ver10/events/wsdl/PullPointSubscription/PullMessagesRequest",
  synchronise: "http://www.onvif.org/ver10/events/wsdl/PullPointSubscription/SetSynchronizationPointRequest",
  renew: "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest",
  unsubscribe: "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest",
} as const;

/** Who hears of the events of one device. */
export interface EventListener {
  /** Events flow. `afterLoss` says why the subscription before this one ended; events in between may be missing. */
  subscribed(afterLoss: string | undefined): void;
  /** What a pull brought, also nothing. */
  notified(notifications: readonly Notification[]): void;
  /** No events until `subscribed` is told again. */
  lost(error: unknown): void;
}

/** One subscription in use. */
interface PullPoint {
  readonly url: URL;
  /** As the device wrote it; it is repeated in wsa:To. */
  readonly address: string;
  readonly parameters: string;
  lifeMs: number;
  renewAt: number;
  /** False once the device has refused Renew: then pulling alone keeps it alive. [ONVIF Core 9.1.1] */
  renewable: boolean;
  /** When it is asked next. */
  repeatAt: number;
  /** Asked and not answered yet: until when that is believed. */
  repeatedBy: number | undefined;
}

/** What the loop needs of the channel's section. */
export type EventTimes = Pick<OnvifSettings, "timeoutMs" | "pullMs" | "subscriptionMs">;

/**
 * Keeps a PullPoint subscription at one device for as long as `run` runs: create, synchronise, pull, renew at half life;
 * whatever goes wrong ends in a new subscription, with back-off. [ONVIF Core 9.1]
 */
export class EventLoop {
  readonly #soap: SoapClient;
  readonly #times: EventTimes;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counters: OnvifCounters;
  readonly #listener: EventListener;
  /** Why the last subscription ended; undefined before the first one. Outlives `run`, as a lost device does. */
  #lostBecause: string | undefined;
  #flowing = false;
  #point: PullPoint | undefined;
  /** Does the device take times rather than durations? */
  #absolute = false;
  /** Does the device tell its properties whenever it is asked? Undefined before the first time. */
  #repeats: boolean | undefined;

  constructor(
    soap: SoapClient,
    times: EventTimes,
    deps: { readonly clock: Clock; readonly logger: Logger; readonly counters: OnvifCounters },
    listener: EventListener,
  ) {
    this.#soap = soap;
    this.#times = times;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#counters = deps.counters;
    this.#listener = listener;
  }

  /** Runs until the signal is aborted; never throws. */
  async run(events: URL, signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = this.#clock.monotonic();
      await this.#subscriptionOnce(events, signal);
      if (signal.aborted) return;
      failures = this.#clock.monotonic() - startedAt > SOUND_AFTER_MS ? 0 : failures + 1;
      await sleep(this.#clock, backOffMs(Math.max(0, failures - 1), FIRST_BACK_OFF_MS, LONGEST_BACK_OFF_MS), signal);
    }
  }

  /** Asks the device to tell all its properties again, where there is a subscription. [ONVIF Core 9.6] @throws as SoapClient.call */
  async repeat(signal: AbortSignal): Promise<void> {
    if (this.#point !== undefined) await this.#setSynchronizationPoint(this.#point, signal);
  }

  /** A device that told its properties when asked and does so no longer has events that are dead, whatever its pulls say. */
  async #watchSilence(point: PullPoint, signal: AbortSignal): Promise<void> {
    if (this.#repeats === false) return;
    const now = this.#clock.monotonic();
    if (point.repeatedBy !== undefined) {
      if (now < point.repeatedBy) return;
      if (this.#repeats === undefined) {
        // It never did: its silence says nothing.
        this.#repeats = false;
        return;
      }
      throw new CommunicationError("ONVIF_EVENTS_SILENT", "events: asked for all properties, told none");
    }
    if (now < point.repeatAt) return;
    point.repeatAt = now + REPEAT_PERIOD_MS;
    await this.#setSynchronizationPoint(point, signal);
    point.repeatedBy = this.#clock.monotonic() + REPEATED_WITHIN_MS;
  }

  async #subscriptionOnce(events: URL, signal: AbortSignal): Promise<void> {
    let point: PullPoint | undefined;
    try {
      point = await this.#create(events, signal);
      await this.#synchronise(point, signal);
      this.#point = point;
      while (!signal.aborted) {
        if (this.#clock.monotonic() >= point.renewAt && point.renewable) await this.#renew(point, signal);
        await this.#watchSilence(point, signal);
        await this.#pull(point, signal);
      }
    } catch (error) {
      if (!signal.aborted) this.#lose(error);
    }
    this.#point = undefined;
    if (this.#flowing) {
      // Ended from outside, because the device is lost.
      this.#flowing = false;
      this.#lostBecause = "commLost";
      this.#counters.subscriptionsLost++;
    }
    if (point !== undefined) await this.#unsubscribe(point, signal);
  }

  #lose(error: unknown): void {
    if (this.#flowing) {
      this.#counters.subscriptionsLost++;
      this.#lostBecause = errorCode(error);
      this.#logger.info({ code: errorCode(error), error: errorMessage(error) }, "event subscription lost");
    }
    this.#flowing = false;
    this.#listener.lost(error);
  }

  async #create(events: URL, signal: AbortSignal): Promise<PullPoint> {
    const response = await this.#inEitherForm((end) =>
      this.#soap.call({
        url: events,
        body:
          "<tev:CreatePullPointSubscription>" +
          `<tev:InitialTerminationTime>${end}</tev:InitialTerminationTime></tev:CreatePullPointSubscription>`,
        expects: "CreatePullPointSubscriptionResponse",
        addressing: { action: ACTIONS.create, to: events.href },
        once: true,
        signal,
      }),
    );
    const reference = decodeSubscription(response, this.#soap.deviceNow());
    if (reference === undefined) throw new InvalidInputError("ONVIF_MALFORMED", "subscription without an address");
    const now = this.#clock.monotonic();
    const lifeMs = plausibleLife(reference.lifeMs, this.#times.subscriptionMs);
    this.#counters.subscriptions++;
    return {
      url: this.#soap.resolve(reference.address),
      address: reference.address,
      parameters: reference.referenceParameters
        .map((element) => serializeXml(element, ' wsa:IsReferenceParameter="true"'))
        .join(""),
      lifeMs,
      renewAt: now + lifeMs / 2,
      renewable: true,
      repeatAt: now + REPEAT_PERIOD_MS,
      repeatedBy: undefined,
    };
  }

  async #synchronise(point: PullPoint, signal: AbortSignal): Promise<void> {
    try {
      await this.#setSynchronizationPoint(point, signal);
    } catch (error) {
      // Without it the device tells its properties on its own when the subscription begins, or on their next change.
      if (errorCode(error) !== "ONVIF_FAULT") throw error;
      this.#logger.debug({ error: errorMessage(error) }, "device has no synchronization point");
    }
  }

  async #setSynchronizationPoint(point: PullPoint, signal: AbortSignal): Promise<void> {
    const body = "<tev:SetSynchronizationPoint/>";
    await this.#request(point, body, "SetSynchronizationPointResponse", ACTIONS.synchronise, signal);
  }

  async #pull(point: PullPoint, signal: AbortSignal): Promise<void> {
    const startedAt = this.#clock.monotonic();
    // A pull never outlasts a third of the life, so that there is time to renew.
    const holdMs = Math.round(Math.max(SHORTEST_PULL_MS, Math.min(this.#times.pullMs, point.lifeMs / 3)));
    const response = await this.#request(
      point,
      `<tev:PullMessages><tev:Timeout>${formatDuration(holdMs)}</tev:Timeout>` +
        `<tev:MessageLimit>${MESSAGE_LIMIT}</tev:MessageLimit></tev:PullMessages>`,
      "PullMessagesResponse",
      ACTIONS.pull,
      signal,
      // asked again by itself it would hide that the messages of the first answer are lost
      { timeoutMs: holdMs + this.#times.timeoutMs, once: true },
    );
    if (signal.aborted) return;
    if (!this.#flowing) {
      this.#flowing = true;
      const afterLoss = this.#lostBecause;
      this.#lostBecause = undefined;
      this.#listener.subscribed(afterLoss);
    }
    const pulled = decodePulledMessages(response);
    this.#counters.malformed += pulled.malformed;
    this.#counters.notifications += pulled.notifications.length;
    if (point.repeatedBy !== undefined && pulled.notifications.some(({ operation }) => operation === "Initialized")) {
      this.#repeats = true;
      point.repeatedBy = undefined;
    }
    this.#listener.notified(pulled.notifications);
    const tookMs = this.#clock.monotonic() - startedAt;
    if (pulled.notifications.length === 0 && tookMs < EMPTY_PULL_MS) {
      await sleep(this.#clock, EMPTY_PULL_MS - tookMs, signal);
    }
  }

  async #renew(point: PullPoint, signal: AbortSignal): Promise<void> {
    try {
      const response = await this.#inEitherForm((end) => {
        const body = `<wsnt:Renew><wsnt:TerminationTime>${end}</wsnt:TerminationTime></wsnt:Renew>`;
        return this.#request(point, body, "RenewResponse", ACTIONS.renew, signal);
      });
      point.lifeMs = plausibleLife(remainingLife(response, this.#soap.deviceNow()), this.#times.subscriptionMs);
      point.renewAt = this.#clock.monotonic() + point.lifeMs / 2;
    } catch (error) {
      if (errorCode(error) !== "ONVIF_FAULT") throw error;
      this.#logger.debug({ error: errorMessage(error) }, "renewal refused");
      point.renewable = false;
    }
  }

  /** Asks with the end of a subscription as a duration or as a time: devices differ in which form they take. [WS-BaseNotification 6.1] */
  async #inEitherForm(ask: (end: string) => Promise<XmlElement>): Promise<XmlElement> {
    const { subscriptionMs } = this.#times;
    const relative = (): string => formatDuration(subscriptionMs);
    const absolute = (): string => formatDateTime(Math.ceil((this.#soap.deviceNow() + subscriptionMs) / 1000) * 1000);
    const [usual, other] = this.#absolute ? [absolute, relative] : [relative, absolute];
    try {
      return await ask(usual());
    } catch (error) {
      if (errorCode(error) !== "ONVIF_FAULT") throw error;
    }
    const response = await ask(other());
    this.#absolute = !this.#absolute;
    return response;
  }

  /** Best effort: a device has few places for subscriptions, and a lost one may still take up one. */
  async #unsubscribe(point: PullPoint, ended: AbortSignal): Promise<void> {
    try {
      const body = "<wsnt:Unsubscribe/>";
      const patience = Math.min(this.#times.timeoutMs, ended.aborted ? 500 : 1000);
      const own = new AbortController().signal;
      await this.#request(point, body, "UnsubscribeResponse", ACTIONS.unsubscribe, own, { timeoutMs: patience });
    } catch (error) {
      this.#logger.debug({ error: errorMessage(error) }, "unsubscribe failed");
    }
  }

  #request(
    point: PullPoint,
    body: string,
    expects: string,
    action: string,
    signal: AbortSignal,
    how: Pick<SoapCall, "timeoutMs" | "once"> = {},
  ): Promise<XmlElement> {
    return this.#soap.call({
      url: point.url,
      body,
      expects,
      addressing: { action, to: point.address, parameters: point.parameters },
      signal,
      ...how,
    });
  }
}

/** What the device grants, where it makes sense; what was asked for otherwise. */
function plausibleLife(granted: number | undefined, asked: number): number {
  if (granted === undefined || granted < SHORTEST_LIFE_MS) return asked;
  return Math.min(granted, LONGEST_LIFE_MS);
}
