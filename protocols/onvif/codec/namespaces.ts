/** Namespaces of the messages this hub sends and understands, by the prefix it writes them with. */
export const NAMESPACES = {
  /** SOAP 1.2 part 1 */
  s: "http://www.w3.org/2003/05/soap-envelope",
  wsa: "http://www.w3.org/2005/08/addressing",
  wsse: "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
  wsu: "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
  wsnt: "http://docs.oasis-open.org/wsn/b-2",
  wstop: "http://docs.oasis-open.org/wsn/t-1",
  tt: "http://www.onvif.org/ver10/schema",
  tds: "http://www.onvif.org/ver10/device/wsdl",
  trt: "http://www.onvif.org/ver10/media/wsdl",
  tev: "http://www.onvif.org/ver10/events/wsdl",
  tr2: "http://www.onvif.org/ver20/media/wsdl",
  tptz: "http://www.onvif.org/ver20/ptz/wsdl",
  timg: "http://www.onvif.org/ver20/imaging/wsdl",
  tmd: "http://www.onvif.org/ver10/deviceIO/wsdl",
  tac: "http://www.onvif.org/ver10/accesscontrol/wsdl",
  tdc: "http://www.onvif.org/ver10/doorcontrol/wsdl",
  tns1: "http://www.onvif.org/ver10/topics",
  ter: "http://www.onvif.org/ver10/error",
} as const;

/** Prefix of a namespace of {@link NAMESPACES}. */
export type Prefix = keyof typeof NAMESPACES;

/** Declarations of all of them, for the root of a message. */
export const NAMESPACE_DECLARATIONS = Object.entries(NAMESPACES)
  .map(([prefix, uri]) => ` xmlns:${prefix}="${uri}"`)
  .join("");

/** WS-UsernameToken: how the password of a digest is marked. [WSS UsernameToken 1.1 §3.1] */
export const PASSWORD_DIGEST =
  "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest";
export const BASE64_BINARY =
  "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

/** Dialect of the topic of a notification. [ONVIF Core 9.7.3] */
export const CONCRETE_TOPIC = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet";
