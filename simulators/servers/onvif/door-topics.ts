import { DOOR_MODES } from "#core/model/door.ts";
import type { SignalValue } from "../../device.ts";
import type { DoorCapabilities } from "../../devices/door.ts";
import type { AccessEvent, SimulatedDoorController } from "../../devices/door-controller.ts";
import type { EventSource, Happening, TopicDescription } from "./topics.ts";

/** State of one door in the words of the protocol. [ONVIF Door Control, DoorState] */
export interface DoorWords {
  readonly DoorPhysicalState: string;
  readonly LockPhysicalState: string;
  readonly Alarm: string;
  readonly Tamper: string;
  readonly Fault: string;
  readonly DoorMode: string;
}

const LOCK_WORDS = ["Unknown", "Locked", "Unlocked", "Fault"];
const ALARM_WORDS = ["Normal", "DoorForcedOpen", "DoorOpenTooLong"];
/** Told beside a fault, as the field for it has room for a reason. */
export const FAULT_REASON = "lock does not move";

const word = (words: readonly string[], state: SignalValue): string => words[Number(state) - 1] ?? "Unknown";

/** The door as its signals show it; what is held in a view is seen as held. */
export function doorWords(controller: SimulatedDoorController, door: string): DoorWords {
  const read = (part: string): SignalValue => controller.read(`${door}-${part}`);
  return {
    DoorPhysicalState: read("open") === true ? "Open" : "Closed",
    LockPhysicalState: word(LOCK_WORDS, read("lock")),
    Alarm: word(ALARM_WORDS, read("alarm")),
    Tamper: read("tamper") === true ? "TamperDetected" : "NotInTamper",
    Fault: read("fault") === true ? "FaultDetected" : "NotInFault",
    DoorMode: word(DOOR_MODES, read("mode")),
  };
}

interface StateTopic {
  /** Part of the signal's name after the door's token. */
  readonly part: string;
  readonly topic: TopicDescription;
  readonly word: keyof DoorWords;
  /** What a door must have to tell it; absent: every door does. */
  readonly needs?: keyof DoorCapabilities;
}

function stateTopic(
  part: string,
  name: string,
  word: keyof DoorWords,
  type: string,
  needs?: keyof DoorCapabilities,
): StateTopic {
  const data: TopicDescription["data"] = [
    ["State", `tdc:${type}`],
    ...(part === "fault" ? [["Reason", "xs:string"] as const] : []),
  ];
  return {
    part,
    topic: { topic: `tns1:Door/State/${name}`, property: true, source: [["DoorToken", "pt:ReferenceToken"]], data },
    word,
    ...(needs === undefined ? {} : { needs }),
  };
}

/** [ONVIF Door Control, Notification Topics] */
const STATES: readonly StateTopic[] = [
  stateTopic("mode", "DoorMode", "DoorMode", "DoorMode"),
  stateTopic("open", "DoorPhysicalState", "DoorPhysicalState", "DoorPhysicalState", "doorMonitor"),
  stateTopic("lock", "LockPhysicalState", "LockPhysicalState", "LockPhysicalState", "lockMonitor"),
  stateTopic("alarm", "DoorAlarm", "Alarm", "DoorAlarmState", "alarm"),
  stateTopic("tamper", "DoorTamper", "Tamper", "DoorTamperState", "tamper"),
  stateTopic("fault", "DoorFault", "Fault", "DoorFaultState", "fault"),
];

const tells = (capabilities: DoorCapabilities, { needs }: StateTopic): boolean =>
  needs === undefined || capabilities[needs];

const READER: TopicDescription = {
  topic: "tns1:AccessPoint/State/Enabled",
  property: true,
  source: [["AccessPointToken", "pt:ReferenceToken"]],
  data: [["State", "xs:boolean"]],
};

const CREDENTIAL: TopicDescription["data"] = [
  ["CredentialToken", "pt:ReferenceToken"],
  ["CredentialHolderName", "xs:string"],
];
const IDENTIFIER: TopicDescription["data"] = [
  ["IdentifierType", "xs:string"],
  ["FormatType", "xs:string"],
  ["IdentifierValue", "xs:hexBinary"],
];
const REASON: TopicDescription["data"] = [["Reason", "xs:string"]];

function accessTopic(name: string, data: TopicDescription["data"]): TopicDescription {
  return { topic: `tns1:AccessControl/${name}`, property: false, source: READER.source, data };
}

/** [ONVIF Access Control, Access granted, taken, not taken, denied, Duress] */
const ACCESS: Readonly<Record<AccessEvent["kind"], TopicDescription>> = {
  granted: accessTopic("AccessGranted/Credential", CREDENTIAL),
  taken: accessTopic("AccessTaken/Credential", CREDENTIAL),
  "not-taken": accessTopic("AccessNotTaken/Credential", CREDENTIAL),
  denied: accessTopic("Denied/Credential", [...CREDENTIAL, ...REASON]),
  "not-found": accessTopic("Denied/CredentialNotFound", IDENTIFIER),
  duress: accessTopic("Duress", [...CREDENTIAL, ...REASON]),
};

/** A card's number in the format SIMPLE_ALPHA_NUMERIC: the bytes of its characters, so that leading zeros stay. */
function hexOf(card: string): string {
  return Buffer.from(card, "utf8").toString("hex").toUpperCase();
}

function itemValue(event: AccessEvent, item: string): string {
  switch (item) {
    case "CredentialToken":
      return event.credential?.token ?? "";
    case "CredentialHolderName":
      return event.credential?.holder ?? "";
    case "IdentifierType":
      return "pt:Card";
    case "FormatType":
      return "SIMPLE_ALPHA_NUMERIC";
    case "IdentifierValue":
      return hexOf(event.card ?? "");
    case "Reason":
      return event.reason ?? (event.kind === "duress" ? "duress code" : "Other");
    default:
      return "";
  }
}

/** What an access controller has to tell. */
export function doorEvents(controller: SimulatedDoorController): EventSource {
  const stateOf = (door: string, state: StateTopic): Happening => {
    const value = doorWords(controller, door)[state.word];
    const reason = value === "FaultDetected" ? [["Reason", FAULT_REASON] as const] : [];
    return {
      topic: state.topic.topic,
      property: true,
      source: [["DoorToken", door]],
      data: [["State", value], ...reason],
    };
  };
  const readerOf = (door: string, accessPoint: string): Happening => ({
    topic: READER.topic,
    property: true,
    source: [["AccessPointToken", accessPoint]],
    data: [["State", String(controller.read(`${door}-reader`) === true)]],
  });
  return {
    topics: [...STATES.map(({ topic }) => topic), READER, ...Object.values(ACCESS)],
    properties: () =>
      controller.doors.flatMap(({ token, accessPoint, capabilities }) => [
        ...STATES.filter((state) => tells(capabilities, state)).map((state) => stateOf(token, state)),
        readerOf(token, accessPoint),
      ]),
    listen(tell) {
      const stopStates = controller.onChange((signal) => {
        const door = controller.doors.find(({ token }) => signal.startsWith(`${token}-`));
        if (door === undefined) return;
        const part = signal.slice(door.token.length + 1);
        const state = STATES.find((candidate) => candidate.part === part);
        if (state !== undefined) {
          if (tells(door.capabilities, state)) tell(stateOf(door.token, state));
        } else if (part === "reader") tell(readerOf(door.token, door.accessPoint));
      });
      const stopAccess = controller.onAccess((event) => {
        const { topic, data } = ACCESS[event.kind];
        const items = data.map(([name]) => [name, itemValue(event, name)] as const);
        tell({ topic, property: false, source: [["AccessPointToken", event.accessPoint]], data: items });
      });
      return () => {
        stopStates();
        stopAccess();
      };
    },
  };
}
