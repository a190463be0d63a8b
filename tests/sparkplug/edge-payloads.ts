import { expect } from "vitest";
import type { EdgeRecording } from "./edge-recording.ts";
import { BOOLEAN, DOUBLE, type EdgeMessage, INT32, INT64, metricNamed, STRING } from "./messages.ts";
import type { Tck } from "./tck.ts";
import type { WireMetric } from "./wire-payload.ts";

const LAST_DATATYPE = 34;
/** Field of the value in a metric for each datatype the gateway uses. */
const VALUE_FIELD: Readonly<Record<number, number>> = { [INT64]: 11, [DOUBLE]: 13, [BOOLEAN]: 14, [STRING]: 15 };
/** Metrics that a host may write or that make up the session: by name, without alias. */
const BY_NAME = ["bdSeq", "Node Control/Rebirth"];

/** A data message with the birth that declares its metrics. */
interface Declared {
  readonly birth: EdgeMessage;
  readonly data: EdgeMessage;
}

/** Every alias that the births of a session give, and to whom. */
function aliasesOf(session: readonly EdgeMessage[]): { readonly alias: number; readonly who: string }[] {
  return session
    .filter(({ type }) => type.endsWith("BIRTH"))
    .flatMap(({ device = "", payload }) =>
      payload.metrics.flatMap(({ alias, name }) =>
        alias === undefined ? [] : [{ alias, who: `${device}/${name ?? ""}` }],
      ),
    );
}

/** The times of the live values of each metric, in the order in which they were sent. */
function liveTimes(messages: readonly EdgeMessage[]): Map<string, number[]> {
  const times = new Map<string, number[]>();
  for (const { device = "", payload } of messages)
    for (const { alias, name, timestamp, isHistorical } of payload.metrics) {
      if (isHistorical) continue;
      const key = `${device}/${alias ?? name ?? ""}`;
      times.set(key, [...(times.get(key) ?? []), timestamp ?? Number.NaN]);
    }
  return times;
}

/** What stands in the payloads. `recording` is there when the cases run. */
export function edgePayloads(tck: Tck, recording: () => EdgeRecording): void {
  const births = () => recording().of("NBIRTH", "DBIRTH");
  const data = () => recording().of("NDATA", "DDATA");
  const metrics = (messages: readonly EdgeMessage[]): WireMetric[] =>
    messages.flatMap(({ payload }) => payload.metrics);

  /** Each data message of a type beside the birth of its owner. */
  function declared(birthType: string, dataType: string): Declared[] {
    const found = recording()
      .sessions()
      .flatMap((session) =>
        session.flatMap((message, at) => {
          if (message.type !== dataType) return [];
          const birth = session.slice(0, at).findLast((m) => m.type === birthType && m.device === message.device);
          if (birth === undefined) throw new Error(`${dataType} of ${message.device ?? "the node"} without a birth`);
          return [{ birth, data: message }];
        }),
      );
    expect(found.length).toBeGreaterThan(0);
    return found;
  }

  tck.chapter("edge node: what births declare", () => {
    const declares = [
      ["NBIRTH", "NDATA", ["topics-nbirth-metric-reqs", "operational-behavior-data-publish-nbirth"]],
      ["DBIRTH", "DDATA", ["topics-dbirth-metric-reqs", "operational-behavior-data-publish-dbirth"]],
    ] as const;
    for (const [birthType, dataType, ids] of declares)
      tck.covers(ids, `${birthType} declares every metric that a ${dataType} holds`, () => {
        for (const { birth, data: message } of declared(birthType, dataType)) {
          const known = new Set(birth.payload.metrics.map(({ alias }) => alias));
          for (const { alias } of message.payload.metrics) expect(known.has(alias) && alias !== undefined).toBe(true);
        }
      });

    const holds = [
      ["NBIRTH", ["topics-nbirth-metrics"]],
      ["DBIRTH", ["topics-dbirth-metrics"]],
    ] as const;
    for (const [type, ids] of holds)
      tck.covers(ids, `each metric of ${type} has name, datatype and what it is now`, () => {
        const found = metrics(recording().of(type));
        expect(found.length).toBeGreaterThan(0);
        for (const { name, datatype, value, isNull } of found) {
          expect(name).toBeTypeOf("string");
          expect(datatype).toBeTypeOf("number");
          expect(isNull).toBe(value === undefined);
        }
      });

    const values = [
      ["NBIRTH", ["operational-behavior-data-publish-nbirth-values"]],
      ["DBIRTH", ["operational-behavior-data-publish-dbirth-values"]],
    ] as const;
    for (const [type, ids] of values)
      tck.covers(
        ids,
        `a metric of ${type} without a value is null and holds none, another holds its current one`,
        () => {
          const found = metrics(recording().of(type));
          expect(found.some(({ isNull }) => isNull)).toBe(true);
          for (const { isNull, value } of found) expect(value === undefined).toBe(isNull);
          // after the rebirth: the last value of each point that was sent before it
          const { marks } = recording();
          const reborn = recording()
            .of("DBIRTH")
            .filter(({ index }) => index > marks.rebirthAsked);
          const ahu = reborn.find(({ device }) => device === "ahu");
          if (ahu === undefined) throw new Error("ahu was not born again");
          expect(metricNamed(ahu.payload, "temp").value).toEqual({ field: 13, value: 26 });
          expect(metricNamed(ahu.payload, "fan").value).toEqual({ field: 14, value: 1 });
          expect(metricNamed(ahu.payload, "label").value).toEqual({ field: 15, value: "东楼 AHU" });
        },
      );

    tck.covers(["case-sensitivity-metric-names"], "no two metrics differ by case only", () => {
      for (const { payload } of births()) {
        const names = payload.metrics.map(({ name }) => name?.toLowerCase());
        expect(new Set(names).size).toBe(names.length);
      }
    });

    const encoded = [
      ["NBIRTH", ["message-flow-edge-node-birth-publish-nbirth-payload"]],
      ["DBIRTH", ["message-flow-device-birth-publish-dbirth-payload"]],
    ] as const;
    for (const [type, ids] of encoded)
      tck.covers(ids, `${type} is a Sparkplug payload`, () => {
        // the spy read them as protobuf; a payload of other bytes would have no metrics
        for (const { payload } of recording().of(type)) expect(payload.metrics.length).toBeGreaterThan(0);
        expect(recording().problems).toEqual([]);
      });
  });

  tck.chapter("edge node: names and aliases", () => {
    tck.covers(["payloads-alias-uniqueness"], "an alias is unique over the node and all its devices", () => {
      for (const session of recording().configured()) {
        const owner = new Map<number, string>();
        for (const { alias, who } of aliasesOf(session)) {
          expect(owner.get(alias) ?? who).toBe(who);
          owner.set(alias, who);
        }
        expect(owner.size).toBeGreaterThan(40);
      }
    });

    tck.covers(["payloads-alias-birth-requirement"], "a birth gives each metric of data its name and its alias", () => {
      for (const { name, alias } of metrics(births())) {
        expect(name).toBeTypeOf("string");
        expect(alias === undefined).toBe(BY_NAME.includes(name ?? ""));
      }
    });

    tck.covers(["payloads-alias-data-cmd-requirement"], "data holds aliases and no names", () => {
      const found = metrics(data());
      expect(found.length).toBeGreaterThan(0);
      for (const { name, alias } of found)
        expect({ name, alias: typeof alias }).toEqual({ name: undefined, alias: "number" });
    });

    tck.covers(["payloads-name-requirement"], "a metric without a name has an alias", () => {
      for (const { name, alias } of metrics(recording().messages)) expect(name ?? alias).toBeDefined();
    });
  });

  tck.chapter("edge node: datatypes", () => {
    tck.covers(["payloads-metric-datatype-req"], "every metric of a birth has its datatype", () => {
      for (const { datatype } of metrics(births())) expect(datatype).toBeTypeOf("number");
    });
    tck.covers(["payloads-metric-datatype-not-req"], "no metric of data repeats it", () => {
      for (const { datatype } of metrics(data())) expect(datatype).toBeUndefined();
    });
    tck.covers(["payloads-metric-datatype-value-type"], "the datatype is an unsigned number of 32 bits", () => {
      for (const { datatype } of metrics(births())) expect((datatype ?? -1) >>> 0).toBe(datatype);
    });
    tck.covers(
      ["payloads-metric-datatype-value"],
      "the datatype is a defined one and the value stands in its field",
      () => {
        const kinds = new Set<number>();
        for (const { datatype = 0, value } of metrics(births())) {
          expect(datatype).toBeGreaterThan(0);
          expect(datatype).toBeLessThanOrEqual(LAST_DATATYPE);
          if (value !== undefined) expect(value.field).toBe(VALUE_FIELD[datatype]);
          kinds.add(datatype);
        }
        expect(kinds).toEqual(new Set([INT64, DOUBLE, BOOLEAN, STRING]));
      },
    );
  });

  tck.chapter("edge node: properties", () => {
    const withProperties = () => metrics(recording().messages).filter(({ keys, values }) => keys + values > 0);
    const properties = () => withProperties().flatMap((metric) => metric.properties);
    const qualities = () => properties().filter(({ key }) => key === "Quality");

    tck.covers(
      ["payloads-propertyset-keys-array-size", "payloads-propertyset-values-array-size"],
      "there are as many keys as values",
      () => {
        expect(withProperties().length).toBeGreaterThan(0);
        for (const { keys, values } of withProperties()) expect(keys).toBe(values);
      },
    );
    tck.covers(["payloads-metric-propertyvalue-type-type"], "a type is an unsigned number of 32 bits", () => {
      expect(properties().length).toBeGreaterThan(0);
      for (const { type } of properties()) expect((type ?? -1) >>> 0).toBe(type);
    });
    tck.covers(["payloads-metric-propertyvalue-type-value"], "a type is one that a property may have", () => {
      const allowed = new Set([...Array.from({ length: 15 }, (_, at) => at + 1), 20, 21]);
      for (const { type } of properties()) expect(allowed.has(type ?? 0)).toBe(true);
    });
    tck.covers(["payloads-metric-propertyvalue-type-req"], "every property of a birth has a type", () => {
      const inBirths = metrics(births()).flatMap((metric) => metric.properties);
      expect(inBirths.length).toBeGreaterThan(0);
      for (const { type } of inBirths) expect(type).toBeTypeOf("number");
    });
    tck.covers(["payloads-propertyset-quality-value-type"], "Quality is of type Int32", () => {
      expect(qualities().length).toBeGreaterThan(0);
      for (const { type } of qualities()) expect(type).toBe(INT32);
    });
    tck.covers(["payloads-propertyset-quality-value-value"], "Quality is an int_value of 0, 192 or 500", () => {
      const codes = new Set(qualities().map(({ value }) => value?.value));
      for (const { value } of qualities()) expect(value?.field).toBe(3);
      for (const code of codes) expect([0, 192, 500]).toContain(code);
      expect(codes.size).toBeGreaterThanOrEqual(2);
    });
  });

  tck.chapter("edge node: report by exception", () => {
    tck.excuses(
      ["principles-rbe-recommended", "operational-behavior-data-publish-nbirth-change"],
      "SHOULD: devices report by exception, but the node's own health goes out every 4 s as the sign of life",
    );

    /** DDATA of `ahu` while its device told the same value again. */
    const unchanged = () => {
      const { marks, messages } = recording();
      return messages.filter(
        ({ index, device, type }) =>
          type === "DDATA" && device === "ahu" && index >= marks.unchangedToldFrom && index < marks.unchangedToldTo,
      );
    };
    const aliasOf = (name: string): number => {
      const birth = recording()
        .of("DBIRTH")
        .find(({ device }) => device === "ahu");
      if (birth === undefined) throw new Error("ahu was never born");
      return metricNamed(birth.payload, name).alias ?? -1;
    };

    tck.covers(
      ["operational-behavior-data-publish-dbirth-change"],
      "a value told again without a change is not sent",
      () => {
        expect(recording().marks.unchangedToldTo).toBeGreaterThan(recording().marks.unchangedToldFrom);
        expect(unchanged()).toEqual([]);
      },
    );

    tck.covers(["topics-ddata-payload"], "every change of a device's metric is in a DDATA", () => {
      const alias = aliasOf("temp");
      const sent = recording()
        .of("DDATA")
        .filter(({ index }) => index < recording().marks.stopping)
        .flatMap(({ payload }) => payload.metrics.filter((metric) => metric.alias === alias))
        .map(({ value }) => value?.value);
      const changes = [...Array.from({ length: 30 }, (_, at) => at + 1), 30, 25, 26, 40];
      expect(sent.slice(sent.indexOf(1))).toEqual(changes);
    });

    tck.covers(["topics-ndata-payload"], "NDATA holds the node's metrics that change", () => {
      const first = recording().of("NBIRTH")[0];
      if (first === undefined) throw new Error("no NBIRTH");
      const cpu = metricNamed(first.payload, "Health/cpuShare").alias;
      const beats = recording().of("NDATA");
      expect(beats.length).toBeGreaterThan(0);
      for (const { payload } of beats) expect(payload.metrics.map(({ alias }) => alias)).toContain(cpu);
    });

    const ordered = [
      ["operational-behavior-data-publish-nbirth-order", ["NBIRTH", "NDATA"]],
      ["operational-behavior-data-publish-dbirth-order", ["DBIRTH", "DDATA"]],
    ] as const;
    for (const [id, types] of ordered)
      tck.covers([id], "the live values of a metric are in order of their time, from message to message too", () => {
        for (const session of recording().configured()) {
          const times = liveTimes(session.filter(({ type }) => types.some((t) => t === type)));
          expect(times.size).toBeGreaterThan(2);
          for (const ofMetric of times.values()) expect(ofMetric).toEqual(ofMetric.toSorted((a, b) => a - b));
        }
      });

    tck.covers(
      ["operational-behavior-data-publish-dbirth-order"],
      "several values of one metric stand in one message, which the order above is about",
      () => {
        const aliases = recording()
          .of("DDATA")
          .map(({ payload }) => payload.metrics.map(({ alias }) => alias));
        expect(aliases.some((ofOne) => new Set(ofOne).size < ofOne.length)).toBe(true);
      },
    );
  });
}
