import {
  AttributeIds,
  CreateMonitoredItemsRequest,
  type CreateMonitoredItemsResponse,
  CreateSubscriptionRequest,
  type CreateSubscriptionResponse,
  DeleteSubscriptionsRequest,
  type EventFieldList,
  type EventFilter,
  MonitoringMode,
  type NodeId,
  NumericRange,
  TimestampsToReturn,
  TransferSubscriptionsRequest,
  type TransferSubscriptionsResponse,
} from "node-opcua";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { Connection } from "./connection.ts";
import { OpcuaFault } from "./errors.ts";
import type { NodePoint, PointValues } from "./point-values.ts";
import type { Notified, Publishing, Subscription } from "./publishing.ts";
import { inGroups, type ServerFacts } from "./server-facts.ts";
import type { Settings } from "./settings.ts";

/** Values in one message; a larger burst comes in several. */
const MOST_NOTIFICATIONS = 2000;
/** A server must hold a subscription for at least three of its keep-alives. [OPC 10000-4 §5.14.2] */
const LEAST_LIFETIME_KEEP_ALIVES = 3;
/** Different publishing intervals of one server. */
const MOST_SUBSCRIPTIONS = 10;
const EVENT_QUEUE = 5000;
const EVENT_PRIORITY = 100;

/** Where a subscription is made. */
export interface Site {
  readonly connection: Connection;
  readonly publishing: Publishing;
  readonly settings: Settings;
  readonly logger: Logger;
}

async function create(site: Site, publishingMs: number, priority: number, notified: Notified): Promise<Subscription> {
  const { connection, publishing, settings } = site;
  const keepAlives = Math.max(1, Math.round(settings.keepAliveMs / publishingMs));
  const lifetime = Math.ceil(settings.lifetimeMs / publishingMs);
  const request = new CreateSubscriptionRequest({
    requestedPublishingInterval: publishingMs,
    requestedMaxKeepAliveCount: keepAlives,
    requestedLifetimeCount: Math.max(lifetime, keepAlives * LEAST_LIFETIME_KEEP_ALIVES),
    maxNotificationsPerPublish: MOST_NOTIFICATIONS,
    publishingEnabled: true,
    priority,
  });
  const answer = await connection.ask<CreateSubscriptionResponse>(request);
  const subscription = {
    id: answer.subscriptionId,
    keepAliveMs: answer.revisedPublishingInterval * answer.revisedMaxKeepAliveCount,
    expected: 1,
    data: notified.data,
    events: notified.events,
  };
  publishing.add(subscription);
  return subscription;
}

interface Item {
  readonly nodeId: NodeId;
  readonly attributeId: AttributeIds;
  readonly indexRange?: NumericRange;
  readonly samplingInterval: number;
  readonly queueSize: number;
  readonly filter?: EventFilter;
}

/** Makes monitored items in groups; their client handles are their places from 1 on. True where the server accepted one. */
async function monitor(
  { connection }: Site,
  subscription: Subscription,
  items: readonly Item[],
  group: number,
): Promise<readonly boolean[]> {
  const accepted: boolean[] = [];
  await inGroups(items, group, async (some, from) => {
    const request = new CreateMonitoredItemsRequest({
      subscriptionId: subscription.id,
      timestampsToReturn: TimestampsToReturn.Source,
      itemsToCreate: some.map((item, place) => ({
        itemToMonitor: {
          nodeId: item.nodeId,
          attributeId: item.attributeId,
          ...(item.indexRange === undefined ? {} : { indexRange: item.indexRange }),
        },
        monitoringMode: MonitoringMode.Reporting,
        requestedParameters: {
          clientHandle: from + place + 1,
          samplingInterval: item.samplingInterval,
          queueSize: item.queueSize,
          discardOldest: true,
          filter: item.filter ?? null,
        },
      })),
    });
    const { results } = await connection.ask<CreateMonitoredItemsResponse>(request);
    for (const result of results ?? []) accepted.push(result.statusCode.isGoodish());
  });
  return accepted;
}

/** The subscriptions of one server; they outlive a connection where the server lets them. */
export class Subscriptions {
  #data: Subscription[] = [];
  #events: Subscription | undefined;

  /** The subscription that carries events; undefined where there is none. */
  get eventSubscription(): number | undefined {
    return this.#events?.id;
  }

  get #all(): readonly Subscription[] {
    return this.#events === undefined ? this.#data : [...this.#data, this.#events];
  }

  get any(): boolean {
    return this.#all.length > 0;
  }

  /** Is it for other points than those bound now? */
  outdated = false;

  /** Forgets all of them: the server has lost them. */
  forget(): void {
    this.#data = [];
    this.#events = undefined;
  }

  /** Goes on with all of them on this connection; false (and forgets them) when the server has lost one. */
  async resume({ publishing }: Site): Promise<boolean> {
    for (const subscription of this.#all) {
      if (await publishing.resume(subscription)) continue;
      for (const one of this.#all) publishing.remove(one);
      this.forget();
      return false;
    }
    return this.any;
  }

  /** Moves all of them to the connection's new session; false when the server does not. [OPC 10000-4 §5.14.7] */
  async transfer({ connection, logger }: Site): Promise<boolean> {
    const subscriptionIds = this.#all.map(({ id }) => id);
    if (subscriptionIds.length === 0) return false;
    try {
      const request = new TransferSubscriptionsRequest({ subscriptionIds, sendInitialValues: true });
      const { results } = await connection.ask<TransferSubscriptionsResponse>(request);
      return results?.every(({ statusCode }) => statusCode.isGoodish()) ?? false;
    } catch (error) {
      if (!(error instanceof OpcuaFault)) throw error;
      logger.debug({ status: error.status }, "OPC UA server does not transfer subscriptions");
      return false;
    }
  }

  /** Subscribes to these points instead, in one subscription for each publishing interval; always in one, as a sign of life. */
  async subscribe(site: Site, nodes: readonly NodePoint[], values: PointValues, facts: ServerFacts): Promise<void> {
    this.outdated = true;
    await this.#remove(site, this.#data);
    this.#data = [];
    const standard = site.settings.publishingMs;
    const groups = Map.groupBy(
      nodes.filter(({ nodeId }) => nodeId !== undefined),
      ({ address }) => address.publishingMs ?? standard,
    );
    if (groups.size === 0) groups.set(standard, []);
    for (const [publishingMs, points] of merged(groups))
      this.#data.push(await this.#subscribe(site, publishingMs, [...points], values, facts));
    this.outdated = values.nodes !== nodes;
  }

  /** Subscribes to points that the server did not have before, beside the others. */
  async subscribeMore(site: Site, nodes: readonly NodePoint[], values: PointValues, facts: ServerFacts): Promise<void> {
    if (this.#data.length >= 2 * MOST_SUBSCRIPTIONS) return;
    this.#data.push(await this.#subscribe(site, site.settings.publishingMs, nodes, values, facts));
  }

  async #subscribe(
    site: Site,
    publishingMs: number,
    nodes: readonly NodePoint[],
    values: PointValues,
    facts: ServerFacts,
  ): Promise<Subscription> {
    const subscription = await create(site, publishingMs, 0, {
      data: (items) =>
        values.notified(
          items.flatMap(({ clientHandle, value }) => {
            const node = nodes[clientHandle - 1];
            return node === undefined ? [] : [[node, value] as const];
          }),
        ),
      events: () => undefined,
    });
    const items = nodes.flatMap(({ nodeId, address }) => {
      if (nodeId === undefined) return [];
      const item = {
        nodeId,
        attributeId: AttributeIds.Value,
        samplingInterval: address.samplingMs ?? publishingMs,
        queueSize: site.settings.queueSize,
      };
      return [address.index === undefined ? item : { ...item, indexRange: new NumericRange(address.index) }];
    });
    const accepted = await monitor(site, subscription, items, facts.monitoredItems);
    for (const [at, node] of nodes.entries()) node.monitored = accepted[at] === true;
    return subscription;
  }

  /** Subscribes to the events of the notifiers. False where the server gives none. */
  async subscribeToEvents(
    site: Site,
    notifiers: readonly NodeId[],
    filter: EventFilter,
    events: (lists: readonly EventFieldList[]) => void,
  ): Promise<boolean> {
    const subscription = await create(site, site.settings.publishingMs, EVENT_PRIORITY, {
      data: () => undefined,
      events,
    });
    this.#events = subscription;
    const items = notifiers.map((nodeId) => ({
      nodeId,
      attributeId: AttributeIds.EventNotifier,
      samplingInterval: 0,
      queueSize: EVENT_QUEUE,
      filter,
    }));
    const accepted = await monitor(site, subscription, items, items.length);
    if (accepted.includes(true)) return true;
    await this.#remove(site, [subscription]);
    this.#events = undefined;
    return false;
  }

  async #remove({ connection, publishing, logger }: Site, subscriptions: readonly Subscription[]): Promise<void> {
    if (subscriptions.length === 0) return;
    for (const subscription of subscriptions) publishing.remove(subscription);
    try {
      await connection.ask(new DeleteSubscriptionsRequest({ subscriptionIds: subscriptions.map(({ id }) => id) }));
    } catch (error) {
      logger.debug({ error: errorMessage(error) }, "OPC UA subscriptions not deleted");
    }
  }
}

/** At most so many groups: what is beyond joins the last one, told more often than asked. */
function merged(
  groups: ReadonlyMap<number, readonly NodePoint[]>,
): readonly (readonly [number, readonly NodePoint[]])[] {
  const sorted = [...groups].sort(([a], [b]) => a - b);
  const rest = sorted.slice(MOST_SUBSCRIPTIONS - 1);
  const [first] = rest;
  if (first === undefined) return sorted;
  return [...sorted.slice(0, MOST_SUBSCRIPTIONS - 1), [first[0], rest.flatMap(([, nodes]) => nodes)]];
}
