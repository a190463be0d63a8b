import { describe, expect, it } from "vitest";
import { influxTarget } from "#cloud/history/influx/target.ts";

const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

describe("the address of an InfluxDB", () => {
  it.each([
    ["http://127.0.0.1:18086/park", { protocol: "http", host: "127.0.0.1", port: 18_086, database: "park" }],
    ["https://influx.example", { protocol: "https", host: "influx.example", port: 8086, database: "parkhub" }],
    ["http://[::1]:8086/a%20b", { host: "::1", database: "a b" }],
    ["http://h/proxy/x/park/", { prefix: "/proxy/x", database: "park" }],
    ["http://hub:p%40ss%3Aw@h/park", { authorization: basic("hub:p@ss:w") }],
    ["http://hub:100%@h/park", { authorization: basic("hub:100%") }],
    ["http://h/park?token=a%2Bb%3D%3D", { authorization: "Token a+b==" }],
    ["http://h/park", { authorization: undefined, prefix: "" }],
  ])("is taken apart: %s", (url, expected) => {
    expect(influxTarget(url)).toMatchObject(expected);
  });

  it("is shown without user, password and token", () => {
    expect(influxTarget("https://hub:secret@h:1/x/park?token=hidden").label).toBe("https://h:1/x/park");
  });

  it.each(["", "influx", "mqtt://secret@h/park", "http://", "http://h/park?token=secret%0d%0aX: y"])(
    "is refused without telling it when it is none: %s",
    (url) => {
      expect(() => influxTarget(url)).toThrowError(
        expect.objectContaining({ code: "HISTORY_URL_INVALID", message: expect.not.stringContaining("secret") }),
      );
    },
  );
});
