import { EVENT_STATE, eventStateName, objectTypeName, propertyName, reliabilityName } from "../../codec/enums.ts";
import type { NotificationParameters } from "../../codec/event-parameters.ts";
import type { EventNotification } from "../../codec/services/event-notification.ts";
import type { BacnetValue, ObjectId } from "../../codec/values.ts";
import type { EventFacts } from "./alarm-information.ts";
import { objectName } from "./alarm-map.ts";

type Words = readonly [chinese: string, english: string];

const LONGEST = 1000;

const STATES: ReadonlyMap<number, Words> = new Map([
  [EVENT_STATE.normal, ["恢复正常", "back to normal"]],
  [EVENT_STATE.fault, ["故障", "fault"]],
  [EVENT_STATE.offnormal, ["报警", "alarm"]],
  [EVENT_STATE.highLimit, ["高于上限", "above high limit"]],
  [EVENT_STATE.lowLimit, ["低于下限", "below low limit"]],
  [EVENT_STATE.lifeSafetyAlarm, ["生命安全报警", "life safety alarm"]],
]);

const plain = new Intl.NumberFormat("en", { maximumSignificantDigits: 6, useGrouping: false });

function shown(values: readonly BacnetValue[]): string {
  const [value] = values;
  if (value === undefined || values.length > 1) return "...";
  switch (value.type) {
    case "unsigned":
    case "signed":
    case "real":
    case "double":
    case "enumerated":
      return plain.format(value.value);
    case "boolean":
    case "characterString":
      return String(value.value);
    case "null":
      return "-";
    default:
      return value.type;
  }
}

/** What the parameters say in numbers, in both languages. Undefined where they say nothing that a person could read. */
function measured(parameters: NotificationParameters, unit: string): Words | undefined {
  const number = (value: number): string => `${plain.format(value)}${unit === "" ? "" : ` ${unit}`}`;
  switch (parameters.type) {
    case "outOfRange":
    case "doubleOutOfRange":
    case "signedOutOfRange":
    case "unsignedOutOfRange": {
      const { exceedingValue, exceededLimit, deadband } = parameters.value;
      const [value, limit, band] = [exceedingValue, exceededLimit, deadband].map(number);
      return [`${value}，限值 ${limit}，回差 ${band}`, `${value}, limit ${limit}, deadband ${band}`];
    }
    case "unsignedRange": {
      const { exceedingValue, exceededLimit } = parameters.value;
      const [value, limit] = [exceedingValue, exceededLimit].map(number);
      return [`${value}，限值 ${limit}`, `${value}, limit ${limit}`];
    }
    case "floatingLimit": {
      const { referenceValue, setpointValue, errorLimit } = parameters.value;
      const [value, setpoint, limit] = [referenceValue, setpointValue, errorLimit].map(number);
      return [`${value}，设定 ${setpoint}，允许偏差 ${limit}`, `${value}, setpoint ${setpoint}, error limit ${limit}`];
    }
    case "commandFailure": {
      const { commandValue, feedbackValue } = parameters.value;
      const [command, feedback] = [shown(commandValue), shown(feedbackValue)];
      return [`指令 ${command}，反馈 ${feedback}`, `command ${command}, feedback ${feedback}`];
    }
    case "changeOfState":
      return [`状态 ${parameters.value.newState.value}`, `state ${parameters.value.newState.value}`];
    case "changeOfReliability": {
      const name = reliabilityName(parameters.value.reliability);
      return [`可靠性 ${name}`, `reliability ${name}`];
    }
    case "changeOfCharacterstring":
      return [parameters.value.changedValue, parameters.value.changedValue];
    case "changeOfLifeSafety":
      return [
        `状态 ${parameters.value.newState}，模式 ${parameters.value.newMode}`,
        `state ${parameters.value.newState}, mode ${parameters.value.newMode}`,
      ];
    default:
      return undefined;
  }
}

/** Words of a state. Those of a vendor are its number. */
function words(state: number): Words {
  return STATES.get(state) ?? [`状态 ${eventStateName(state)}`, `state ${eventStateName(state)}`];
}

/** Text of an alarm in both languages where the device gives none, from what is known of it. */
export function alarmText(
  object: ObjectId,
  state: number,
  facts: EventFacts | undefined,
  parameters?: NotificationParameters,
): string {
  const [chinese, english] = words(state);
  const numbers = parameters === undefined ? undefined : measured(parameters, facts?.unit ?? "");
  const name = facts?.name ?? objectName(object);
  const [more, moreEnglish] = numbers === undefined ? ["", ""] : [`：${numbers[0]}`, `: ${numbers[1]}`];
  return `${name} ${chinese}${more} / ${english}${moreEnglish}`.slice(0, LONGEST);
}

/** The device's own text of a notification, else one made of its values. */
export function messageOf(notification: EventNotification, facts: EventFacts | undefined): string {
  const { eventObject, eventValues, messageText = "", toState } = notification;
  return messageText === "" ? alarmText(eventObject, toState, facts, eventValues) : messageText.slice(0, LONGEST);
}

/** Long runs of digits may be card numbers: their last two digits are enough to tell them apart. */
export function masked(text: string): string {
  return text.replaceAll(/\d{6,}/g, (digits) => `***${digits.slice(-2)}`);
}

/** The numbers of a notification for a device event's data. Card numbers are not among them. */
export function valuesOf(parameters: NotificationParameters | undefined): Readonly<Record<string, number | string>> {
  switch (parameters?.type) {
    case "outOfRange":
    case "doubleOutOfRange":
    case "signedOutOfRange":
    case "unsignedOutOfRange": {
      const { exceedingValue, exceededLimit, deadband } = parameters.value;
      return { value: exceedingValue, limit: exceededLimit, deadband };
    }
    case "unsignedRange":
      return { value: parameters.value.exceedingValue, limit: parameters.value.exceededLimit };
    case "floatingLimit": {
      const { referenceValue, setpointValue, errorLimit } = parameters.value;
      return { value: referenceValue, setpoint: setpointValue, limit: errorLimit };
    }
    case "commandFailure":
      return { command: shown(parameters.value.commandValue), feedback: shown(parameters.value.feedbackValue) };
    case "changeOfState":
      return { value: parameters.value.newState.value };
    case "changeOfReliability":
      return { reliability: reliabilityName(parameters.value.reliability) };
    case "accessEvent":
      return { accessEvent: parameters.value.accessEvent };
    case "bufferReady": {
      const { bufferProperty, currentNotification } = parameters.value;
      const { object, property } = bufferProperty;
      return {
        buffer: `${objectTypeName(object.type)}:${object.instance}.${propertyName(property)}`,
        records: currentNotification,
      };
    }
    default:
      return {};
  }
}
