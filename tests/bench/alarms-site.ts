import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Site } from "#config/schema/site.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { SiteChange } from "../e2e/site.ts";
import { type FieldAnswer, type FieldRequest, UNIT_BITS } from "./alarms-field.ts";

/** The field's bits are read so often. */
const POLL_MS = 100;
/** So many single alarms are looked for on the page; they lie behind the storm's bits. */
export const PROBES = 250;
const PRIORITIES = ["high", "medium", "medium", "low"] as const;

/** The field in its own process. */
export class AlarmField {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: FieldAnswer) => void>();
  #asked = 0;

  private constructor(child: ChildProcess, port: number) {
    this.#process = child;
    this.port = port;
    child.on("message", ({ id, ...answer }: FieldAnswer & { id: number }) => {
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    });
  }

  static async start(): Promise<AlarmField> {
    const child = fork(new URL("./alarms-field.ts", import.meta.url));
    const [{ port }] = (await once(child, "message")) as [{ port: number }];
    return new AlarmField(child, port);
  }

  ask(request: FieldRequest): Promise<FieldAnswer> {
    const id = ++this.#asked;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#process.send({ id, request });
    });
  }

  close(): void {
    this.#process.kill();
  }
}

/** Id of the definition of a bit of the storm. */
export const stormDefinition = (bit: number): string => `storm-${bit}`;
/** What a probe's alarm says, in every language. */
export const probeMessage = (probe: number): string => `bench-probe-${probe}-`;

/** The demo park with a field of `bits` and the probes more: each bit is a point with an alarm of its own. */
export function withField(port: number, bits: number): SiteChange {
  return (site): Site => {
    const gateway = `${site.site}/gw-1`;
    const place = (bit: number): { device: string; slot: number } => ({
      device: `${gateway}/bench-${Math.floor(bit / UNIT_BITS) + 1}`,
      slot: bit % UNIT_BITS,
    });
    const pointOf = (bit: number): string => `${place(bit).device}/bit-${place(bit).slot}`;
    const all = Array.from({ length: bits + PROBES }, (_, bit) => bit);
    const units = Math.ceil(all.length / UNIT_BITS);
    return {
      ...site,
      gateways: site.gateways.map((one) => ({
        ...one,
        channels: [...one.channels, { id: "bench", protocol: "modbus", config: { pollMs: POLL_MS, maxInFlight: 8 } }],
      })),
      devices: [
        ...site.devices,
        ...Array.from({ length: units }, (_, unit) => ({
          id: `${gateway}/bench-${unit + 1}`,
          channel: "bench",
          protocol: "modbus",
          name: `柜 ${unit + 1}`,
          nameEn: `Cabinet ${unit + 1}`,
          space: "plant-room",
          kind: "cabinet",
          config: { host: "127.0.0.1", port, unitId: unit + 1 },
        })),
      ],
      points: [
        ...site.points,
        ...all.map((bit) => ({
          id: pointOf(bit),
          name: `信号 ${bit}`,
          nameEn: `Signal ${bit}`,
          kind: "boolean" as const,
          space: "plant-room",
          tags: ["point", "sensor"],
          writable: false,
          revision: 1,
          address: { table: "discreteInput", register: place(bit).slot, type: "bool" },
        })),
      ],
      alarms: [
        ...site.alarms,
        ...all.map((bit): AlarmDefinition => {
          const condition = { type: "equals" as const, point: pointOf(bit), value: true };
          if (bit >= bits) {
            const message = probeMessage(bit - bits);
            return {
              id: `probe-${bit - bits}`,
              category: "tamper",
              priority: "urgent",
              condition,
              message,
              messageEn: message,
            };
          }
          return {
            id: stormDefinition(bit),
            category: "equipment",
            priority: PRIORITIES[bit % PRIORITIES.length] ?? "medium",
            condition,
            message: `${bit} 号设备故障`,
            messageEn: `Equipment ${bit} has failed`,
          };
        }),
      ],
    };
  };
}
