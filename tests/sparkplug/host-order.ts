import { expect } from "vitest";
import type { HostOutput } from "#core/sparkplug/host-output.ts";
import { HostSession, REBIRTH_DEBOUNCE_MS } from "#core/sparkplug/host-session.ts";
import { ManualClock } from "../manual-clock.ts";
import type { Tck } from "./tck.ts";
import { type MetricToWrite, writePayload } from "./wire-payload.ts";

const T = 1_790_000_000_000;
const REORDER_MS = 2_000;
const DOUBLE = 10;

/** A host application with time in its hands, fed with bytes of foreign edge nodes. */
class Host {
  readonly clock = new ManualClock(T);
  readonly timedOut: HostOutput[] = [];
  readonly #session: HostSession;

  constructor(reorderTimeoutMs = REORDER_MS) {
    this.#session = new HostSession({
      host: "hub",
      clock: this.clock,
      reorderTimeoutMs,
      onTimeout: (outputs) => this.timedOut.push(...outputs),
    });
  }

  send(topic: string, seq: number, metrics: readonly MetricToWrite[]): HostOutput[] {
    return this.#session.receive(`spBv1.0/${topic}`, writePayload({ timestamp: T, seq, metrics }), this.clock.now());
  }

  /** NBIRTH and the birth of `ahu`, whose one metric has this alias. */
  born(node: string, alias: number): void {
    this.send(`park/NBIRTH/${node}`, 0, [{ name: "bdSeq", value: 0, datatype: 4, long: true }]);
    this.send(`park/DBIRTH/${node}/ahu`, 1, [{ name: "temp", alias, datatype: DOUBLE, value: 20 }]);
  }

  data(node: string, alias: number, seq: number): HostOutput[] {
    return this.send(`park/DDATA/${node}/ahu`, seq, [{ alias, value: seq }]);
  }
}

function values(outputs: readonly HostOutput[]): unknown[] {
  return outputs.flatMap((output) => (output.type === "data" ? output.metrics.map(({ value }) => value) : []));
}

function reasons(outputs: readonly HostOutput[]): string[] {
  return outputs.flatMap((output) => (output.type === "rebirthNeeded" ? [output.reason] : []));
}

/** What our host application does about the order of messages, and about nodes that look alike. */
export function hostOrder(tck: Tck): void {
  tck.chapter("host application: the order of messages", () => {
    tck.covers(["operational-behavior-host-reordering-param"], "how long it waits is a setting", () => {
      for (const reorderTimeoutMs of [0, 500, 4_000]) {
        const host = new Host(reorderTimeoutMs);
        host.born("n1", 1);
        const early = host.data("n1", 1, 3);
        host.clock.advance(Math.max(0, reorderTimeoutMs - 1));
        expect(host.timedOut).toEqual([]);
        host.clock.advance(1);
        expect(reasons([...early, ...host.timedOut])).toEqual(["sequenceGap"]);
      }
    });

    tck.covers(["operational-behavior-host-reordering-start"], "a number that comes too early starts the timer", () => {
      const host = new Host();
      host.born("n1", 1);
      expect(host.clock.pending).toBe(0);
      expect(host.data("n1", 1, 3)).toEqual([]);
      expect(host.clock.pending).toBe(1);
    });

    tck.covers(["operational-behavior-host-reordering-rebirth"], "when it has run out new births are asked for", () => {
      const host = new Host();
      host.born("n1", 1);
      host.data("n1", 1, 3);
      host.clock.advance(REORDER_MS);
      expect(reasons(host.timedOut)).toEqual(["sequenceGap"]);
      expect(host.timedOut[0]).toMatchObject({ type: "rebirthNeeded", node: "park/n1" });
    });

    tck.covers(
      ["operational-behavior-host-reordering-rebirth"],
      "a request so soon after another one is made as soon as it may, also when nothing more comes",
      () => {
        const host = new Host();
        expect(reasons(host.data("n1", 1, 9))).toEqual(["dataBeforeBirth"]);
        host.born("n1", 1);
        host.data("n1", 1, 3);
        host.clock.advance(REBIRTH_DEBOUNCE_MS - 1);
        expect(reasons(host.timedOut)).toEqual([]);
        host.clock.advance(1);
        expect(reasons(host.timedOut)).toEqual(["sequenceGap"]);
        host.clock.advance(10 * REBIRTH_DEBOUNCE_MS);
        expect(reasons(host.timedOut)).toHaveLength(1);
      },
    );

    tck.covers(
      ["operational-behavior-host-reordering-success"],
      "what was missing ends the timer, and all goes on in order until the next gap",
      () => {
        const host = new Host();
        host.born("n1", 1);
        host.data("n1", 1, 4);
        host.data("n1", 1, 3);
        expect(values(host.data("n1", 1, 2))).toEqual([2, 3, 4]);
        expect(host.clock.pending).toBe(0);
        host.clock.advance(10 * REORDER_MS);
        expect(host.timedOut).toEqual([]);
        expect(values(host.data("n1", 1, 5))).toEqual([5]);
        host.data("n1", 1, 7);
        expect(host.clock.pending).toBe(1);
      },
    );
  });

  tck.chapter("host application: many edge nodes", () => {
    tck.covers(
      ["topic-structure-namespace-duplicate-device-id-across-edge-node"],
      "two nodes may have a device of one name and metrics of one alias",
      () => {
        const host = new Host();
        host.born("n1", 7);
        host.born("n2", 7);
        host.send("park/DDEATH/n1/ahu", 2, []);
        expect(host.data("n2", 7, 2)).toMatchObject([{ type: "data", node: "park/n2", device: "ahu" }]);
        expect(reasons(host.data("n1", 7, 3))).toEqual(["unknownDevice"]);
      },
    );
  });
}
