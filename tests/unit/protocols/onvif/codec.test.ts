import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { buildEnvelope, buildFault, parseEnvelope } from "#protocols/onvif/codec/envelope.ts";
import { NAMESPACES } from "#protocols/onvif/codec/namespaces.ts";
import { decodePulledMessages, decodeSubscription } from "#protocols/onvif/codec/notification.ts";
import { decodeProfiles, decodePtzStatus } from "#protocols/onvif/codec/services.ts";
import { formatDuration, parseDateTime, parseDuration, parseSystemDateAndTime } from "#protocols/onvif/codec/time.ts";
import { escapeXml, MAX_XML_CHARACTERS, parseXml, serializeXml, type XmlElement } from "#protocols/onvif/codec/xml.ts";

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/onvif/${name}.xml`, import.meta.url), "utf8");

function bodyOf(xml: string): XmlElement {
  const message = parseEnvelope(xml);
  if (message.kind === "fault") throw new Error(message.fault.reason);
  return message.body;
}

const thrown = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe("the ONVIF XML reader", () => {
  it("keeps tokens, serial numbers and versions as the strings they are", () => {
    const root = parseXml('<a v="1.10"><n>12345678901234567890</n><t>007</t><b>true</b></a>');
    expect(root.attributes.get("v")).toBe("1.10");
    expect(root.children.map((child) => child.text)).toEqual(["12345678901234567890", "007", "true"]);
  });

  it("resolves namespaces by URI, whatever the prefix", () => {
    const root = parseXml('<x:a xmlns:x="urn:1" xmlns="urn:2"><b><x:c xmlns:x="urn:3"/></b></x:a>');
    expect(root.namespace).toBe("urn:1");
    expect(root.at("b")?.namespace).toBe("urn:2");
    expect(root.at("b", "c")?.namespace).toBe("urn:3");
  });

  it("resolves the five named and numeric references, once, and leaves CDATA alone", () => {
    const root = parseXml("<a q='&quot;&#65;'>&lt;&amp;lt;&#20013;&#x6587;<![CDATA[&amp;<b>]]></a>");
    expect(root.attributes.get("q")).toBe('"A');
    expect(root.text).toBe("<&lt;中文&amp;<b>");
  });

  it("refuses a document type, which is how entities explode", () => {
    const bomb = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><a>&c;</a>';
    expect(thrown(() => parseXml(bomb))).toMatchObject({ code: "ONVIF_MALFORMED" });
    expect(thrown(() => parseXml("<! DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"))).toMatchObject({
      code: "ONVIF_MALFORMED",
    });
  });

  it.each([
    ["nothing", ""],
    ["plain text", "camera busy"],
    ["an unclosed element", "<a><b></a>"],
    ["crossed elements", "<a><b></a></b>"],
    ["an unclosed attribute", '<a b="1'],
    ["a prototype attack", '<a __proto__="1"><__proto__>1</__proto__></a>'],
    ["a very deep nesting", `${"<a>".repeat(500)}${"</a>".repeat(500)}`],
    ["a very large text", `<a>${"x".repeat(MAX_XML_CHARACTERS)}</a>`],
    ["zeros", "\u0000\u0000\u0000\u0000"],
  ])("refuses %s", (_what, xml) => {
    expect(thrown(() => parseXml(xml))).toMatchObject({ code: "ONVIF_MALFORMED", retriable: false });
  });

  it("writes what it read, and text that no longer is markup", () => {
    const hostile = `</a><b c="d">&'中文\u0001`;
    const root = parseXml(`<a k="${escapeXml(hostile)}">${escapeXml(hostile)}</a>`);
    expect(root.text).toBe(hostile.slice(0, -1));
    expect(root.attributes.get("k")).toBe(hostile.slice(0, -1));
    const again = parseXml(serializeXml(parseXml('<p:a xmlns:p="urn:1" k="v"><p:b>1 &lt; 2</p:b></p:a>')));
    expect([again.namespace, again.attributes.get("k"), again.textAt("b")]).toEqual(["urn:1", "v", "1 < 2"]);
  });
});

describe("SOAP envelopes", () => {
  it("tells a fault with its subcodes from general to special", () => {
    const fault = buildFault("Sender", ["InvalidArgVal", "NoProfile"], "no profile <x>");
    expect(parseEnvelope(fault)).toEqual({
      kind: "fault",
      fault: { code: "Sender", subcodes: ["InvalidArgVal", "NoProfile"], reason: "no profile <x>" },
    });
  });

  it("reads the fault of a SOAP 1.1 firmware", () => {
    const xml =
      '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>' +
      "<faultcode>e:Client</faultcode><faultstring>bad</faultstring></e:Fault></e:Body></e:Envelope>";
    expect(parseEnvelope(xml)).toEqual({ kind: "fault", fault: { code: "Client", subcodes: [], reason: "bad" } });
  });

  it.each([
    ["a page for people", "<html><body><p>login</p></body></html>"],
    ["an envelope without body", `<s:Envelope xmlns:s="${NAMESPACES.s}"/>`],
    ["an empty body", `<s:Envelope xmlns:s="${NAMESPACES.s}"><s:Body/></s:Envelope>`],
    ["an envelope of another namespace", '<s:Envelope xmlns:s="urn:x"><s:Body><a/></s:Body></s:Envelope>'],
  ])("refuses %s", (_what, xml) => {
    expect(thrown(() => parseEnvelope(xml))).toMatchObject({ code: "ONVIF_MALFORMED" });
  });
});

describe("messages of the event service", () => {
  it("reads the CreatePullPointSubscriptionResponse of the Core specification", () => {
    expect(decodeSubscription(bodyOf(fixture("core-create-pull-point-subscription-response")))).toEqual({
      address: "http://160.10.64.10/Subscription?Idx=0",
      referenceParameters: [],
      lifeMs: 60_000,
    });
  });

  it("reads the PullMessagesResponse of the Core specification", () => {
    const pulled = decodePulledMessages(bodyOf(fixture("core-pull-messages-response")));
    expect(pulled.currentTime).toBe(Date.UTC(2008, 9, 10, 12, 24, 58));
    expect(pulled.terminationTime).toBe(Date.UTC(2008, 9, 10, 12, 25, 58));
    expect(pulled.malformed).toBe(0);
    expect(pulled.notifications.map(({ topic, utcTime }) => [topic, utcTime])).toEqual([
      ["tns1:RuleEngine/LineDetector/Crossed", Date.UTC(2008, 9, 10, 12, 24, 57, 321)],
      ["tns1:RuleEngine/LineDetector/Crossed", Date.UTC(2008, 9, 10, 12, 24, 57, 789)],
    ]);
    expect(Object.fromEntries(pulled.notifications[1]?.source ?? [])).toEqual({
      VideoSource: "1",
      AnalyticsConfiguration: "2",
      Rule: "MyImportantFence2",
    });
    expect(pulled.notifications[1]?.data.get("ObjectId")).toBe("19");
  });

  it("names a topic by its namespace and not by the prefix the device chose", () => {
    const message = (topic: string): string =>
      buildEnvelope(
        `<tev:PullMessagesResponse><wsnt:NotificationMessage><wsnt:Topic xmlns:q="${NAMESPACES.tns1}" xmlns:acme="urn:acme">` +
          `${topic}</wsnt:Topic><wsnt:Message><tt:Message/></wsnt:Message></wsnt:NotificationMessage></tev:PullMessagesResponse>`,
      );
    const topicOf = (topic: string): string | undefined =>
      decodePulledMessages(bodyOf(message(topic))).notifications[0]?.topic;
    expect(topicOf("q:VideoSource/MotionAlarm")).toBe("tns1:VideoSource/MotionAlarm");
    expect(topicOf("acme:VideoSource/MotionAlarm")).toBe("acme:VideoSource/MotionAlarm");
    expect(topicOf("q:Device/acme:Sensor/PIR")).toBe("tns1:Device/acme:Sensor/PIR");
    expect(topicOf("q:A//.|q:B")).toBeUndefined();
  });

  it("counts messages without topic or content and goes on", () => {
    const xml = buildEnvelope(
      "<tev:PullMessagesResponse><wsnt:NotificationMessage/><wsnt:NotificationMessage><wsnt:Topic>tns1:A</wsnt:Topic>" +
        "</wsnt:NotificationMessage><wsnt:NotificationMessage><wsnt:Topic>tns1:A</wsnt:Topic><wsnt:Message>" +
        "<tt:Message/></wsnt:Message></wsnt:NotificationMessage></tev:PullMessagesResponse>",
    );
    const pulled = decodePulledMessages(bodyOf(xml));
    expect([pulled.notifications.length, pulled.malformed]).toEqual([1, 2]);
  });

  it("keeps the reference parameters of a subscription, as some cameras tell subscriptions apart by them only", () => {
    const xml = buildEnvelope(
      "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><wsa:Address>http://c/x</wsa:Address>" +
        '<wsa:ReferenceParameters><v:SubscriptionId xmlns:v="urn:v">007</v:SubscriptionId></wsa:ReferenceParameters>' +
        "</tev:SubscriptionReference></tev:CreatePullPointSubscriptionResponse>",
    );
    const [parameter] = decodeSubscription(bodyOf(xml))?.referenceParameters ?? [];
    expect(parameter === undefined ? "" : serializeXml(parameter, ' r="true"')).toBe(
      '<SubscriptionId xmlns="urn:v" r="true">007</SubscriptionId>',
    );
  });
});

describe("times", () => {
  it("reads times without zone as UTC, and offsets", () => {
    expect(parseDateTime("2008-10-09T13:52:59")).toBe(Date.UTC(2008, 9, 9, 13, 52, 59));
    expect(parseDateTime("2008-10-09T21:52:59.5+08:00")).toBe(Date.UTC(2008, 9, 9, 13, 52, 59, 500));
    expect(parseDateTime("yesterday")).toBeUndefined();
    expect(parseDateTime("2008-13-45T99:00:00Z")).toBeUndefined();
  });

  it("reads and writes durations", () => {
    expect(["PT1M", "PT60S", "P1DT1H", "PT0.5S"].map(parseDuration)).toEqual([60_000, 60_000, 90_000_000, 500]);
    expect(["", "P", "PT", "1M", "P1M"].map(parseDuration)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(parseDuration(formatDuration(15_250))).toBe(15_250);
  });

  it("tells a clock without UTC time as unknown", () => {
    expect(parseSystemDateAndTime(parseXml("<r><SystemDateAndTime/></r>"))).toBeUndefined();
  });
});

describe("answers of the media and PTZ services", () => {
  it("finds profiles with video and with PTZ", () => {
    const xml =
      '<r><Profiles token="a"><VideoSourceConfiguration/></Profiles><Profiles token="b"><VideoSourceConfiguration/>' +
      "<VideoEncoderConfiguration/><PTZConfiguration/></Profiles><Profiles/></r>";
    expect(decodeProfiles(parseXml(xml))).toEqual([
      { token: "a", video: false, ptz: false },
      { token: "b", video: true, ptz: true },
    ]);
  });

  it("takes a status without movement or position for what it is", () => {
    expect(decodePtzStatus(parseXml("<r><PTZStatus/></r>"))).toEqual({});
    const partial =
      '<r><PTZStatus><Position><PanTilt x="0.5" y="abc"/></Position><MoveStatus><PanTilt>UNKNOWN</PanTilt></MoveStatus></PTZStatus></r>';
    expect(decodePtzStatus(parseXml(partial))).toEqual({ position: { pan: 0.5 } });
  });
});
