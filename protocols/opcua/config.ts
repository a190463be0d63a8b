import { type Static, Type } from "typebox";
import { ARGUMENT_TYPES, OPCUA_DEFAULTS, SECURITY_MODES, SECURITY_POLICIES, SIGNALS } from "./vocabulary.ts";

const closed = { additionalProperties: false } as const;
const ENDPOINT = "^opc\\.tcp://[^/?#@\\s]+(/[^\\s]*)?$";
const NODE_ID =
  "^((ns=\\d{1,5}|nsu=[^;]{1,300});)?(i=\\d{1,10}|s=.{1,400}|g=[0-9A-Fa-f-]{36}|b=[A-Za-z0-9+/=]{1,400})$";

function optional(name: keyof typeof OPCUA_DEFAULTS, minimum: number, maximum: number, description: string) {
  return Type.Optional(Type.Integer({ minimum, maximum, default: OPCUA_DEFAULTS[name], description }));
}

const nodeId = (description: string) => Type.String({ pattern: NODE_ID, maxLength: 800, description });

/** The channel's section: a set of OPC UA servers that share one own certificate and one trust list. */
export const OpcuaConfig = Type.Object(
  {
    publishingMs: optional("publishingMs", 50, 30_000, "Publishing interval of points that name none, ms."),
    keepAliveMs: optional(
      "keepAliveMs",
      200,
      15_000,
      "How often a server without changes gives a sign of life, ms; silent for three of them it counts as lost.",
    ),
    queueSize: optional("queueSize", 2, 1000, "Values a server keeps of each point between two publishings."),
    lifetimeMs: optional("lifetimeMs", 10_000, 3_600_000, "How long a server keeps a subscription without us, ms."),
    sessionTimeoutMs: optional("sessionTimeoutMs", 10_000, 3_600_000, "How long a server keeps a silent session, ms."),
    connectTimeoutMs: optional("connectTimeoutMs", 500, 30_000, "How long each step of connecting may take, ms."),
    requestTimeoutMs: optional("requestTimeoutMs", 500, 30_000, "How long an answer may take, ms."),
    reconnectMinMs: optional("reconnectMinMs", 50, 5000, "First pause between attempts to connect, ms."),
    reconnectMaxMs: optional("reconnectMaxMs", 50, 5000, "Longest pause between attempts to connect, ms."),
    rereadMs: optional("rereadMs", 1000, 50_000, "A point not heard of for so long is read: its sign of life, ms."),
    historyValues: optional(
      "historyValues",
      0,
      1_000_000,
      "Most values per point that are taken over from a server's history after an outage; 0 takes none.",
    ),
    discoveryUrls: Type.Optional(
      Type.Array(Type.String({ pattern: ENDPOINT, maxLength: 300, description: "URL of a discovery server." }), {
        maxItems: 20,
        description: "Discovery servers that `discover` of the channel asks besides the configured servers.",
      }),
    ),
  },
  { ...closed, description: "OPC UA channel: a set of servers." },
);
export type OpcuaConfig = Static<typeof OpcuaConfig>;

const AllowedMethod = Type.Object(
  {
    object: nodeId("NodeId of the object (or of its type) that has the method."),
    method: nodeId("NodeId of the method."),
    arguments: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.String({ pattern: "^[A-Za-z][A-Za-z0-9_]{0,63}$", description: "Name of the parameter." }),
            dataType: Type.Enum([...ARGUMENT_TYPES], { description: "Its type at the server." }),
          },
          closed,
        ),
        { maxItems: 20, description: "Input arguments in the method's order; none when absent." },
      ),
    ),
  },
  closed,
);
export type AllowedMethod = Static<typeof AllowedMethod>;

/** How to reach one server, how to be sure that it is the right one, and who we are there. */
export const OpcuaDevice = Type.Object(
  {
    endpointUrl: Type.String({
      pattern: ENDPOINT,
      maxLength: 300,
      description: "Address of the server, e.g. opc.tcp://host:4840.",
    }),
    securityMode: Type.Optional(
      Type.Enum([...SECURITY_MODES], {
        default: "SignAndEncrypt",
        description: "Sign signs only; None needs `allowInsecure` as well.",
      }),
    ),
    securityPolicy: Type.Optional(
      Type.Enum([...SECURITY_POLICIES], { default: "Basic256Sha256", description: "Security policy of the endpoint." }),
    ),
    allowInsecure: Type.Optional(
      Type.Boolean({ default: false, description: "Allows `securityMode: None`: everything is readable on the wire." }),
    ),
    applicationUri: Type.Optional(
      Type.String({
        maxLength: 300,
        description: "Application URI that the server and its certificate must have; guards against a swapped address.",
      }),
    ),
    serverThumbprint: Type.Optional(
      Type.String({
        pattern: "^[0-9a-fA-F]{40}$",
        description: "SHA-1 thumbprint of the server's certificate: trusts this one and no other.",
      }),
    ),
    trustOnFirstUse: Type.Optional(
      Type.Boolean({
        default: false,
        description: "Trusts whatever certificate the server shows first; later ones wait for a person.",
      }),
    ),
    username: Type.Optional(Type.String({ maxLength: 128, description: "User; anonymous when absent." })),
    password: Type.Optional(
      Type.String({ maxLength: 256, description: "Password; a secret reference in the site's files." }),
    ),
    userCertificate: Type.Optional(
      Type.String({ maxLength: 20_000, description: "Certificate (PEM) as user instead of name and password." }),
    ),
    userPrivateKey: Type.Optional(
      Type.String({
        maxLength: 20_000,
        description: "Its private key (PEM); a secret reference in the site's files.",
      }),
    ),
    events: Type.Optional(
      Type.Boolean({ default: true, description: "Take events and conditions (Alarms & Conditions) of the server." }),
    ),
    notifiers: Type.Optional(
      Type.Array(nodeId("NodeId of an object that gives events."), {
        minItems: 1,
        maxItems: 20,
        description: "Objects whose events are taken; the Server object, which gives all, when absent.",
      }),
    ),
    methods: Type.Optional(
      Type.Array(AllowedMethod, {
        maxItems: 100,
        description: "Methods that `callMethod` may call; none when absent.",
      }),
    ),
  },
  {
    ...closed,
    allOf: [
      // a half user would come as nobody
      { if: { required: ["userCertificate"] }, then: { required: ["userPrivateKey"] } },
      { if: { required: ["userPrivateKey"] }, then: { required: ["userCertificate"] } },
    ],
  },
);
export type OpcuaDevice = Static<typeof OpcuaDevice>;

/** Where a value is: the Value attribute of a node, or a signal of the connection itself. */
export const OpcuaAddress = Type.Union([
  Type.Object(
    {
      nodeId: nodeId(
        "NodeId, e.g. `nsu=urn:vendor:panel;s=Zone1.State` (a namespace by its URI, preferred), `ns=2;i=7`.",
      ),
      index: Type.Optional(
        Type.String({
          pattern: "^\\d{1,9}(,\\d{1,9})*$",
          description: "One element of an array, from 0; `1,2` of a matrix. The whole value when absent.",
        }),
      ),
      samplingMs: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 60_000,
          description:
            "How often the server looks at the value, ms; the publishing interval when absent, 0 the fastest.",
        }),
      ),
      publishingMs: Type.Optional(
        Type.Integer({
          minimum: 50,
          maximum: 30_000,
          description:
            "How often it tells what changed, ms; the channel's when absent. At most 10 different ones a server.",
        }),
      ),
    },
    closed,
  ),
  Type.Object(
    {
      signal: Type.Enum([...SIGNALS], {
        description:
          "online (boolean); certificateDaysLeft (until the certificate of the server or our own ends, whichever is first); " +
          "serverState (number of ServerState, 0 is running).",
      }),
    },
    closed,
  ),
]);
export type OpcuaAddress = Static<typeof OpcuaAddress>;
/** Address of a node's value. */
export type NodeAddress = Extract<OpcuaAddress, { nodeId: string }>;
