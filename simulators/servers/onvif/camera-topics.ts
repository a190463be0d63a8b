import { escapeXml } from "#protocols/onvif/codec/xml.ts";
import type { SignalValue } from "../../device.ts";
import type { SimulatedCamera } from "../../devices/camera.ts";
import { DIGITAL_INPUT, RELAY_OUTPUT, VIDEO_SOURCE, VIDEO_SOURCE_CONFIGURATION } from "./service.ts";
import type { EventSource, Happening, TopicDescription } from "./topics.ts";

/** How one signal of the camera is told. */
interface ToldSignal {
  readonly signal: string;
  readonly topic: TopicDescription;
  readonly source: Happening["source"];
  /** Data of the signal's value. `count` tells one object from another. */
  data(value: SignalValue, count: number): Pick<Happening, "data" | "elements">;
}

const REFERENCE = "tt:ReferenceToken";

/** A property of true and false. */
function state(
  signal: string,
  topic: string,
  source: Happening["source"],
  item: string,
  write: (value: SignalValue) => string = (value) => String(value === true),
  type = "xs:boolean",
): ToldSignal {
  return {
    signal,
    topic: { topic, property: true, source: source.map(([name]) => [name, REFERENCE]), data: [[item, type]] },
    source,
    data: (value) => ({ data: [[item, write(value)]] }),
  };
}

const ruleSource = (rule: string): Happening["source"] => [
  ["VideoSourceConfigurationToken", VIDEO_SOURCE_CONFIGURATION],
  ["VideoAnalyticsConfigurationToken", "VAC_1"],
  ["Rule", rule],
];
const BY_VIDEO_SOURCE: Happening["source"] = [["Source", VIDEO_SOURCE]];
const RULE_ITEMS: TopicDescription["source"] = ruleSource("").map(([name]) => [
  name,
  name === "Rule" ? "xs:string" : REFERENCE,
]);

/** [ONVIF Imaging, Analytics, Device IO and Core service specifications, events] */
const TOLD: readonly ToldSignal[] = [
  state("motion", "tns1:VideoSource/MotionAlarm", BY_VIDEO_SOURCE, "State"),
  state("tamper", "tns1:VideoSource/GlobalSceneChange/ImagingService", BY_VIDEO_SOURCE, "State"),
  state("video-loss", "tns1:VideoSource/SignalLoss", BY_VIDEO_SOURCE, "State"),
  state("field-intrusion", "tns1:RuleEngine/FieldDetector/ObjectsInside", ruleSource("field-1"), "IsInside"),
  state("cell-motion", "tns1:RuleEngine/CellMotionDetector/Motion", ruleSource("cells-1"), "IsMotion"),
  state("digital-input", "tns1:Device/Trigger/DigitalInput", [["InputToken", DIGITAL_INPUT]], "LogicalState"),
  state(
    "relay",
    "tns1:Device/Trigger/Relay",
    [["RelayToken", RELAY_OUTPUT]],
    "LogicalState",
    (value) => (value === true ? "active" : "inactive"),
    "tt:RelayLogicalState",
  ),
  state("fan-failure", "tns1:Device/HardwareFailure/FanFailure", [["Token", "Fan_1"]], "Failed"),
  state("storage-failure", "tns1:Device/HardwareFailure/StorageFailure", [["Token", "SD_1"]], "Failed"),
  state("temperature-critical", "tns1:Device/HardwareFailure/TemperatureCritical", [], "Critical"),
  {
    signal: "line-crossed",
    topic: {
      topic: "tns1:RuleEngine/LineDetector/Crossed",
      property: false,
      source: RULE_ITEMS,
      data: [["ObjectId", "xs:integer"]],
    },
    source: ruleSource("line-1"),
    data: (_value, count) => ({ data: [["ObjectId", String(count)]] }),
  },
  {
    // [ONVIF Analytics, Object Detection]: what a device of Profile M tells
    signal: "object-class",
    topic: {
      topic: "tns1:RuleEngine/ObjectDetection/Object",
      property: false,
      source: RULE_ITEMS,
      data: [["ClassTypes", "tt:StringList"]],
    },
    source: ruleSource("objects-1"),
    data: (value) => ({ data: [["ClassTypes", String(value)]] }),
  },
  {
    signal: "licence-plate",
    topic: {
      topic: "tns1:RuleEngine/Recognition/LicensePlate",
      property: false,
      source: [
        ["VideoSource", REFERENCE],
        ["Rule", "xs:string"],
      ],
      data: [["Likelihood", "xs:float"]],
      elements: [["LicensePlateInfo", "tt:LicensePlateInfo"]],
    },
    source: [
      ["VideoSource", VIDEO_SOURCE],
      ["Rule", "plates-1"],
    ],
    data: (value) => ({
      data: [["Likelihood", "0.97"]],
      elements: [
        [
          "LicensePlateInfo",
          `<tt:LicensePlateInfo><tt:PlateNumber Likelihood="0.97">${escapeXml(String(value))}</tt:PlateNumber></tt:LicensePlateInfo>`,
        ],
      ],
    }),
  },
];

/** What a camera has to tell. */
export function cameraEvents(camera: SimulatedCamera): EventSource {
  let objects = 0;
  const happening = (told: ToldSignal, value: SignalValue): Happening => ({
    topic: told.topic.topic,
    property: told.topic.property,
    source: told.source,
    ...told.data(value, objects),
  });
  return {
    topics: TOLD.map(({ topic }) => topic),
    properties: () =>
      TOLD.filter(({ topic }) => topic.property).map((told) => happening(told, camera.read(told.signal))),
    listen: (tell) =>
      camera.onDetection((signal, value) => {
        const told = TOLD.find((candidate) => candidate.signal === signal);
        if (told === undefined) return;
        if (!told.topic.property && (value === false || value === "")) return;
        if (!told.topic.property) objects++;
        tell(happening(told, value));
      }),
  };
}
