import type { DeviceView } from "#core/contracts/devices.ts";
import type { PointView } from "#core/contracts/points.ts";
import { eventually } from "./eventually.ts";
import { AHU, HOST_ID, HostBench, METER, NODE, OWN, type Told } from "./host-bench.ts";
import type { WireMessage } from "./mqtt-packets.ts";
import type { Seen } from "./packet-spy.ts";
import { RawClient } from "./raw-client.ts";
import { type MetricToWrite, writePayload } from "./wire-payload.ts";

const EDGE_NODE = "foreign";
export const STATE_TOPIC = `spBv1.0/STATE/${HOST_ID}`;
export const NCMD_TOPIC = `spBv1.0/park/NCMD/${EDGE_NODE}`;
const DOUBLE = 10;
const BOOLEAN = 11;
const INT64 = 4;

const ALL = [AHU, METER, OWN];

/** What is shown at a moment of both devices and of the node's own metrics. */
export interface Shown {
  /** Unix ms of the host application's clock. */
  readonly at: number;
  readonly values: Readonly<Record<string, PointView["current"]>>;
  readonly devices: Readonly<Record<string, DeviceView | undefined>>;
}

/** Moments of the scenario: numbers of packets, and what was shown. */
interface Moments {
  firstData: number;
  gap: number;
  gapAt: number;
  offlineSaid: number;
  cut: number;
  closing: number;
  closingAt: number;
  deviceDeathAt: number;
  born?: Shown;
  deviceDead?: Shown;
  bornAgain?: Shown;
  nodeDead?: Shown;
  presence: readonly Told[];
}

/** One life of the cloud as host application, with a foreign edge node: played once for all cases. */
export class HostRecording {
  readonly seen: readonly Seen[];
  readonly moments: Readonly<Moments>;

  private constructor(seen: readonly Seen[], moments: Moments) {
    this.seen = seen;
    this.moments = moments;
  }

  static async play(folder: string): Promise<HostRecording> {
    const bench = new HostBench(folder);
    try {
      await bench.start();
      const moments = await new Scene(bench).play();
      return new HostRecording([...bench.spy.seen], moments);
    } finally {
      await bench.end();
    }
  }
}

class Scene {
  readonly #bench: HostBench;
  readonly #moments: Moments = {
    firstData: 0,
    gap: 0,
    gapAt: 0,
    offlineSaid: 0,
    cut: 0,
    closing: 0,
    closingAt: 0,
    deviceDeathAt: 0,
    presence: [],
  };

  constructor(bench: HostBench) {
    this.#bench = bench;
  }

  get #count(): number {
    return this.#bench.spy.seen.length;
  }

  /** STATE messages of the host application, on their way out or as the broker tells them. */
  #states(from: Seen["from"]): string[] {
    return this.#bench.spy.seen.flatMap(({ from: sender, packet }) =>
      sender === from && packet.kind === "publish" && packet.topic === STATE_TOPIC ? [String(packet.payload)] : [],
    );
  }

  /** The broker has told the last STATE of the host application. */
  async #delivered(): Promise<void> {
    await eventually("its delivery", () => this.#states("server").at(-1) === this.#states("client").at(-1));
  }

  #statesSent(): number {
    return this.#states("client").length;
  }

  #shown(): Shown {
    const { state } = this.#bench;
    return {
      at: Date.now(),
      values: Object.fromEntries(ALL.map((slot) => [slot, state.current(`${NODE}/${slot}/value`)])),
      devices: Object.fromEntries(ALL.map((slot) => [slot, state.device(`${NODE}/${slot}`)])),
    };
  }

  #quality(slot: string): string {
    return this.#bench.state.current(`${NODE}/${slot}/value`).quality;
  }

  async play(): Promise<Moments> {
    await eventually("STATE online", () => this.#statesSent() === 1);
    const node = await this.#node();
    await this.#births(node);
    await this.#gap(node);
    await this.#death(node);
    await this.#offlineSaid();
    await this.#cut();
    this.#moments.closing = this.#count;
    this.#moments.closingAt = Date.now();
    await this.#bench.stopCloud();
    await eventually("end of the connection", () => this.#bench.spy.open === 0);
    this.#moments.presence = [...this.#bench.presence];
    return this.#moments;
  }

  /** A foreign node signs in and speaks without a birth. */
  async #node(): Promise<RawClient> {
    const payload = message([{ name: "bdSeq", datatype: INT64, value: 0, long: true }]);
    const will = { topic: `spBv1.0/park/NDEATH/${EDGE_NODE}`, payload, qos: 1, retain: false };
    const node = await RawClient.connect(this.#bench.open.port, { clientId: EDGE_NODE, will });
    await node.subscribe(NCMD_TOPIC);
    this.#moments.firstData = this.#count;
    await node.publish(data("NDATA", 5, [{ alias: 1, value: 1 }]));
    await eventually("a rebirth request", () => node.messages.length === 1);
    return node;
  }

  /** Births of values that were read ten seconds ago. */
  async #born(node: RawClient): Promise<void> {
    const at = Date.now() - 10_000;
    const metrics = [
      { name: "bdSeq", datatype: INT64, value: 0, long: true },
      { name: "Node Control/Rebirth", datatype: BOOLEAN, value: false },
      { name: "value", alias: 1, datatype: DOUBLE, value: 230 },
    ];
    await node.publish(data("NBIRTH", 0, metrics, undefined, at));
    await node.publish(data("DBIRTH", 1, [{ name: "value", alias: 2, datatype: DOUBLE, value: 20 }], AHU, at));
    await node.publish(data("DBIRTH", 2, [{ name: "value", alias: 3, datatype: DOUBLE, value: 7 }], METER, at));
    await eventually("good values", () => ALL.every((slot) => this.#quality(slot) === "good"));
  }

  async #births(node: RawClient): Promise<void> {
    await this.#born(node);
    this.#moments.born = this.#shown();
    // a death that the node noticed a while ago
    this.#moments.deviceDeathAt = Date.now() - 3_000;
    await node.publish(data("DDEATH", 3, [], AHU, this.#moments.deviceDeathAt));
    await eventually("a stale value", () => this.#quality(AHU) !== "good");
    this.#moments.deviceDead = this.#shown();
  }

  /** A message is missing for good. */
  async #gap(node: RawClient): Promise<void> {
    const asked = node.messages.length;
    this.#moments.gap = this.#count;
    this.#moments.gapAt = Date.now();
    await node.publish(data("NDATA", 6, [{ alias: 1, value: 231 }]));
    await eventually("a rebirth request", () => node.messages.length === asked + 1);
    await this.#born(node);
    this.#moments.bornAgain = this.#shown();
  }

  async #death(node: RawClient): Promise<void> {
    await node.drop();
    await eventually("stale values", () => ALL.every((slot) => this.#quality(slot) !== "good"));
    this.#moments.nodeDead = this.#shown();
  }

  /** The will of a former connection of the host application comes late. */
  async #offlineSaid(): Promise<void> {
    const sent = this.#statesSent();
    this.#moments.offlineSaid = this.#count;
    const other = await RawClient.connect(this.#bench.open.port, { clientId: "late" });
    const payload = Buffer.from(JSON.stringify({ online: false, timestamp: 1_600_000_000_000 }));
    await other.publish({ topic: STATE_TOPIC, payload, qos: 1, retain: true });
    await eventually("STATE online again", () => this.#statesSent() === sent + 1);
    await this.#delivered();
    await other.disconnect();
  }

  async #cut(): Promise<void> {
    const sent = this.#statesSent();
    this.#moments.cut = this.#count;
    this.#bench.spy.cut();
    await eventually("STATE after the cut", () => this.#statesSent() > sent);
    await this.#delivered();
  }
}

function message(metrics: readonly MetricToWrite[], seq?: number, timestamp = Date.now()): Buffer {
  const stamped = metrics.map((metric) => ({ timestamp, ...metric }));
  return writePayload({ timestamp, ...(seq === undefined ? {} : { seq }), metrics: stamped });
}

function data(
  type: string,
  seq: number,
  metrics: readonly MetricToWrite[],
  device?: string,
  timestamp?: number,
): WireMessage {
  const topic = `spBv1.0/park/${type}/${EDGE_NODE}${device === undefined ? "" : `/${device}`}`;
  return { topic, payload: message(metrics, seq, timestamp), qos: 0, retain: false };
}
