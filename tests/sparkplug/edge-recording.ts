import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Agent } from "#edge/agent.ts";
import { EdgeCloud, EdgeField, echoBundle, numberPoint, type Received, runGateway } from "../integration/edge-cloud.ts";
import { eventually } from "./eventually.ts";
import { type EdgeMessage, sparkplugMessages } from "./messages.ts";
import type { MqttPacket } from "./mqtt-packets.ts";
import { PacketSpy, type Seen } from "./packet-spy.ts";
import { writePayload } from "./wire-payload.ts";

export const GROUP = "park";
export const NODE = "gw";
/** Enough devices to take `seq` over its end in a few rounds. */
const MANY = Array.from({ length: 38 }, (_, at) => `level-${at}`);
const ROUNDS = 6;
/** What many points are set to right after the second rebirth request. */
export const AFTER_REQUEST = 100;
export const DEVICES = ["ahu", "meter", ...MANY.map((slot) => `tank-${slot}`)];

const POINTS = [
  numberPoint("ahu", "temp", { unit: "degreesCelsius" }),
  numberPoint("ahu", "fan", { kind: "boolean" }),
  numberPoint("ahu", "mode", { kind: "enum" }),
  numberPoint("ahu", "label", { kind: "string" }),
  numberPoint("meter", "power"),
  ...MANY.map((slot) => numberPoint(`tank-${slot}`, slot)),
];

/** Moments of the scenario, as numbers of packets. */
interface Marks {
  rebirthAsked: number;
  unchangedToldFrom: number;
  unchangedToldTo: number;
  refusedFrom: number;
  refusedTo: number;
  cut: number;
  stopping: number;
  stopped: number;
}

type Connect = Extract<MqttPacket, { kind: "connect" }>;

/**
 * One life of a real gateway in front of a spy: births, data of all kinds, bad quality, a device that falls silent and comes
 * back, a rebirth, refused commands, a cut with values that wait, an orderly end and a new start. Played once for all cases.
 */
export class EdgeRecording {
  readonly seen: readonly Seen[];
  readonly marks: Readonly<Marks>;
  readonly messages: readonly EdgeMessage[];
  /** What the other side could not make sense of. */
  readonly problems: readonly string[];

  private constructor(seen: readonly Seen[], marks: Marks, problems: readonly string[]) {
    this.seen = seen;
    this.marks = marks;
    this.messages = sparkplugMessages(seen);
    this.problems = problems;
  }

  /** Messages of one of these types, in order. */
  of(...types: readonly string[]): EdgeMessage[] {
    return this.messages.filter(({ type }) => types.includes(type));
  }

  /** Packets of one direction and, where given, of one connection. */
  packets(from: Seen["from"], connection?: number): Seen[] {
    return this.seen.filter((s) => s.from === from && (connection === undefined || s.connection === connection));
  }

  /** The CONNECT of each connection. */
  connects(): { readonly connection: number; readonly index: number; readonly connect: Connect }[] {
    return this.seen.flatMap(({ packet, connection }, index) =>
      packet.kind === "connect" ? [{ connection, index, connect: packet }] : [],
    );
  }

  /** What follows from each NBIRTH up to the next one, or to the end of the connection. */
  sessions(): EdgeMessage[][] {
    const sessions: EdgeMessage[][] = [];
    for (const message of this.messages) {
      const current = sessions.at(-1);
      if (message.type === "NBIRTH" || current === undefined || current[0]?.connection !== message.connection)
        sessions.push([message]);
      else current.push(message);
    }
    return sessions;
  }

  /** The sessions since the gateway has its configuration. */
  configured(): EdgeMessage[][] {
    return this.sessions().slice(1);
  }

  static async play(root: string): Promise<EdgeRecording> {
    const cloud = new EdgeCloud();
    await cloud.start();
    const spy = new PacketSpy(() => Number(new URL(cloud.broker).port));
    await spy.start();
    const data = join(root, "data");
    mkdirSync(join(root, "field"));
    const scene = new Scene(cloud, spy, new EdgeField(join(root, "field")), data);
    try {
      const marks = await scene.play();
      return new EdgeRecording([...spy.seen], marks, [...cloud.problems]);
    } finally {
      await scene.end();
      await spy.close();
      await cloud.stop();
    }
  }
}

class Scene {
  readonly #cloud: EdgeCloud;
  readonly #spy: PacketSpy;
  readonly #field: EdgeField;
  readonly #data: string;
  #agent: Agent | undefined;

  constructor(cloud: EdgeCloud, spy: PacketSpy, field: EdgeField, data: string) {
    this.#cloud = cloud;
    this.#spy = spy;
    this.#field = field;
    this.#data = data;
  }

  async end(): Promise<void> {
    await this.#agent?.stop();
  }

  async #run(): Promise<Agent> {
    const { http } = this.#cloud;
    const bootstrap = { site: GROUP, gateway: NODE, data: this.#data, broker: this.#spy.url, cloud: http };
    this.#agent = await runGateway(this.#cloud, this.#data, { bootstrap: { ...bootstrap, credential: "given" } });
    return this.#agent;
  }

  #lastSample(slot: string): Received | undefined {
    return this.#cloud.samples.findLast(({ point }) => point.endsWith(`/${slot}`));
  }

  #last(slot: string): unknown {
    return this.#lastSample(slot)?.value;
  }

  async #arrives(slot: string, value: unknown): Promise<void> {
    await eventually(`${slot} = ${String(value)}, came ${String(this.#last(slot))}`, () => this.#last(slot) === value);
  }

  async #change(slot: string, value: number): Promise<void> {
    this.#field.set(slot, value);
    await this.#arrives(slot, value);
  }

  #births(connection?: number): EdgeMessage[] {
    return sparkplugMessages(this.#spy.seen).filter(
      (message) => message.type === "NBIRTH" && (connection === undefined || message.connection === connection),
    );
  }

  async play(): Promise<Marks> {
    const marks: Marks = {
      rebirthAsked: 0,
      unchangedToldFrom: 0,
      unchangedToldTo: 0,
      refusedFrom: 0,
      refusedTo: 0,
      cut: 0,
      stopping: 0,
      stopped: 0,
    };
    await this.#live();
    await this.#devices();
    await this.#unchanged(marks);
    await this.#rebirth(marks);
    await this.#refused(marks);
    await this.#cut(marks);
    await this.#restart(marks);
    return marks;
  }

  /** Births with and without values, data of every kind, several values of one point in one message, `seq` over its end. */
  async #live(): Promise<void> {
    this.#field.set("fan", true);
    this.#field.set("label", "东楼 AHU");
    await this.#cloud.announce(echoBundle(1, this.#field.directory, POINTS), 1);
    const agent = await this.#run();
    await this.#arrives("label", "东楼 AHU");
    for (let value = 1; value <= 30; value++) {
      this.#field.set("temp", value);
      await eventually(`temp read as ${value}`, () => agent.latest(`${GROUP}/${NODE}/ahu/temp`)?.value === value);
    }
    await this.#arrives("temp", 30);
    for (let round = 1; round <= ROUNDS; round++) {
      for (const slot of MANY) this.#field.set(slot, round);
      for (const slot of MANY) await this.#arrives(slot, round);
    }
  }

  async #devices(): Promise<void> {
    this.#field.tell("temp", { quality: "bad" });
    await eventually("bad temp", () => this.#lastSample("temp")?.reason === "commLost");
    this.#field.tell("temp", { value: 25, sourceTime: 1_790_000_000_000 });
    await this.#arrives("temp", 25);
    this.#field.tell("power", { quality: "bad", online: false });
    await eventually("DDEATH", () => this.#cloud.sparkplug.includes("DDEATH meter"));
    this.#field.tell("power", { value: 7, online: true });
    await this.#arrives("power", 7);
  }

  /** The device tells the same value again and again; only the change after it may be sent. */
  async #unchanged(marks: Marks): Promise<void> {
    marks.unchangedToldFrom = this.#spy.seen.length;
    for (let sourceTime = 1; sourceTime <= 3; sourceTime++) {
      this.#field.tell("temp", { value: 25, sourceTime });
      await this.#change("power", 10 + sourceTime);
    }
    marks.unchangedToldTo = this.#spy.seen.length;
    await this.#change("temp", 26);
  }

  async #rebirth(marks: Marks): Promise<void> {
    const before = this.#births().length;
    await this.#cloud.askRebirth();
    await eventually("NBIRTH", () => this.#births().length === before + 1);
    for (const slot of MANY) await this.#arrives(slot, ROUNDS);
    // so soon after the births the gateway takes its time: what is read meanwhile must wait
    marks.rebirthAsked = this.#spy.seen.length;
    await this.#cloud.askRebirth();
    for (const slot of MANY) this.#field.set(slot, AFTER_REQUEST);
    await eventually("second NBIRTH", () => this.#births().length === before + 2);
    for (const slot of MANY) await this.#arrives(slot, AFTER_REQUEST);
  }

  async #refused(marks: Marks): Promise<void> {
    marks.refusedFrom = this.#spy.seen.length;
    const metrics = [{ name: "temp", value: 99, datatype: 10 }];
    const payload = writePayload({ timestamp: Date.now(), metrics });
    await this.#cloud.sparkplugCommand(`spBv1.0/${GROUP}/DCMD/${NODE}/ahu`, payload);
    await this.#cloud.sparkplugCommand(`spBv1.0/${GROUP}/NCMD/${NODE}`, payload);
    await this.#change("power", 20);
    marks.refusedTo = this.#spy.seen.length;
  }

  /** A cut; what is read meanwhile waits and comes as history. */
  async #cut(marks: Marks): Promise<void> {
    const before = this.#births().length;
    marks.cut = this.#spy.seen.length;
    await this.#spy.refuse();
    this.#field.set("temp", 40);
    await eventually("temp read while cut off", () => this.#agent?.latest(`${GROUP}/${NODE}/ahu/temp`)?.value === 40);
    await eventually(
      "three refused attempts",
      () => (this.#agent?.status().counters["uplink"]?.["connectFailures"] ?? 0) >= 3,
    );
    await this.#spy.start();
    await eventually("NBIRTH", () => this.#births().length === before + 1);
    await this.#arrives("temp", 40);
    await this.#change("power", 30);
  }

  async #restart(marks: Marks): Promise<void> {
    marks.stopping = this.#spy.seen.length;
    await this.#agent?.stop();
    await eventually("end of the connection", () => this.#spy.open === 0);
    marks.stopped = this.#spy.seen.length;
    const before = this.#births().length;
    await this.#run();
    await eventually("NBIRTH", () => this.#births().length === before + 1);
    await this.#change("power", 50);
  }
}
