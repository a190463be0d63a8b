import { type Static, Type } from "typebox";
import { ConfigError } from "#core/errors.ts";
import { schemaProblems } from "./yaml-file.ts";

/** Every environment variable of the hub. The README's table is made from it. */
export const Environment = Type.Object({
  PARKHUB_DATA: Type.String({
    default: "./data",
    minLength: 1,
    description: "Folder for everything that is kept: databases, pictures, pids, credentials.",
  }),
  PARKHUB_HTTP: Type.String({
    default: "127.0.0.1:8080",
    pattern: "^.+:\\d{1,5}$",
    description: "Address of console and API, host:port.",
  }),
  PARKHUB_TRUSTED_PROXY: Type.Optional(
    Type.String({
      pattern: "^[0-9a-fA-F.:/]+(,[0-9a-fA-F.:/]+)*$",
      description:
        "Addresses or networks of the reverse proxies in front of PARKHUB_HTTP, separated by commas: their X-Forwarded-For says who calls. Nobody's is believed without it.",
    }),
  ),
  PARKHUB_MQTT: Type.String({
    default: "127.0.0.1:1884",
    pattern: "^.+:\\d{1,5}$",
    description: "Address of the embedded MQTT broker, host:port.",
  }),
  PARKHUB_SIM: Type.String({
    default: "127.0.0.1:8090",
    pattern: "^.+:\\d{1,5}$",
    description: "Address of the simulators' control port, host:port.",
  }),
  PARKHUB_SITE: Type.String({
    default: "demo-park",
    pattern: "^[A-Za-z0-9_.-]+$",
    description: "Site folder below config/sites that seeds an empty database.",
  }),
  PARKHUB_ADMIN_PASSWORD: Type.Optional(
    Type.String({
      minLength: 12,
      description:
        "Password of the first administrator `admin`. Without it a random one is made once, printed once and kept in first-login.txt of the data folder (mode 600).",
    }),
  ),
  PARKHUB_EGRESS: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 4000,
      description:
        "Where notifications may be sent, separated by commas: names, `*.domain`, addresses or networks, each with or without `:port`. A private address must be listed by itself. Nothing is sent anywhere without it.",
    }),
  ),
  PARKHUB_INFLUX_URL: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        "InfluxDB for telemetry instead of the embedded store, `http://user:password@host:8086/database` (1.x API; `?token=` for later versions).",
    }),
  ),
  PARKHUB_REDIS_URL: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        "Redis for jobs, live updates and latest values instead of the embedded ones, `redis://:password@host:6379/0`. It must write an append-only file.",
    }),
  ),
  PARKHUB_POSTGRES_URL: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        "PostgreSQL for records instead of the embedded database, `postgres://user:password@host:5432/database`.",
    }),
  ),
  PARKHUB_BROKER_URL: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        "MQTT 3.1.1 broker instead of the embedded one, `mqtt://user:password@host:1883`. Gateways connect to it, not to PARKHUB_MQTT.",
    }),
  ),
  PARKHUB_KEEP_RAW_DAYS: Type.String({
    default: "400",
    pattern: "^[1-9][0-9]{0,4}$",
    description: "How long every single value is kept, days.",
  }),
  PARKHUB_KEEP_HOURS_DAYS: Type.String({
    default: "3660",
    pattern: "^[1-9][0-9]{0,4}$",
    description: "How long hourly summaries of values are kept, days.",
  }),
  PARKHUB_KEEP_RECORDS_DAYS: Type.String({
    default: "1100",
    pattern: "^[1-9][0-9]{0,4}$",
    description:
      "How long finished commands, linkage runs and the acts of closed alarms are kept, days. The audit trail is not pruned.",
  }),
  PARKHUB_KEEP_JOURNAL_DAYS: Type.String({
    default: "400",
    pattern: "^[0-9]{1,5}(,[a-z]+=[0-9]{1,5})*$",
    description:
      "How long the alarm journal is kept, days, then by category: `400,comfort=90,fire=1000`. Security law at least 180, others at least 30.",
  }),
  PARKHUB_BLOB_LIMIT_GB: Type.String({
    default: "20",
    pattern: "^[0-9]{1,6}([.][0-9]{1,3})?$",
    description:
      "Disk space for pictures, clips and results in the cloud, GB (10^9 bytes). Beyond it pictures of a look go first, then the oldest, never those of open alarms.",
  }),
  PARKHUB_KEEP_CLIPS_DAYS: Type.String({
    default: "90",
    pattern: "^[1-9][0-9]{0,4}$",
    description: "How long video clips of alarms that are over are kept, days.",
  }),
  PARKHUB_KEEP_SNAPSHOTS_DAYS: Type.String({
    default: "365",
    pattern: "^[1-9][0-9]{0,4}$",
    description: "How long pictures taken for alarms and by linkages are kept, days.",
  }),
  PARKHUB_KEEP_PICTURES_DAYS: Type.String({
    default: "1",
    pattern: "^[1-9][0-9]{0,4}$",
    description: "How long pictures that somebody took to have a look are kept, days.",
  }),
  PARKHUB_KEEP_RESULTS_DAYS: Type.String({
    default: "30",
    pattern: "^[1-9][0-9]{0,4}$",
    description: "How long results of device actions, a search of a network for instance, are kept, days.",
  }),
  PARKHUB_FFMPEG: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        "Path of ffmpeg on a gateway: makes H.264 of cameras that offer only H.265. Without it such cameras are shown as pictures, one a second.",
    }),
  ),
  PARKHUB_LOG: Type.String({
    default: "info",
    pattern: "^(debug|info|warn|error)$",
    description: "Least level that is logged: debug, info, warn or error.",
  }),
});
export type Environment = Static<typeof Environment>;

/** Host and port of `host:port`. */
export function hostPort(address: string): { host: string; port: number } {
  const cut = address.lastIndexOf(":");
  return { host: address.slice(0, cut), port: Number(address.slice(cut + 1)) };
}

/** Where gateways find the broker: the external one where there is one, else the embedded one. */
export function brokerAddress(environment: Pick<Environment, "PARKHUB_BROKER_URL" | "PARKHUB_MQTT">): {
  host: string;
  port: number;
} {
  const external = environment.PARKHUB_BROKER_URL;
  if (external === undefined) return hostPort(environment.PARKHUB_MQTT);
  const { hostname, port, protocol } = new URL(external);
  return { host: hostname, port: port === "" ? (protocol === "mqtts:" ? 8883 : 1883) : Number(port) };
}

/** URLs of servers, with passwords in them: what each begins with. */
const SERVERS = {
  PARKHUB_INFLUX_URL: ["http", "https"],
  PARKHUB_REDIS_URL: ["redis", "rediss"],
  PARKHUB_POSTGRES_URL: ["postgres", "postgresql"],
  PARKHUB_BROKER_URL: ["mqtt", "mqtts"],
} as const;

function isServerUrl(url: string, schemes: readonly string[]): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return hostname !== "" && schemes.includes(protocol.slice(0, -1));
}

/** The hub's variables with defaults. @throws CONFIG_INVALID with every fault at once */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  const known = Object.keys(Environment.properties);
  const given = Object.fromEntries(
    Object.entries(env).filter(([key, value]) => known.includes(key) && value !== undefined && value !== ""),
  );
  const problems = schemaProblems(Environment, given).map(({ text }) => `environment ${text}`);
  for (const [name, schemes] of Object.entries(SERVERS)) {
    const url = given[name];
    // never the value: it holds a password
    if (url !== undefined && !isServerUrl(url, schemes))
      problems.push(`environment /${name} expected ${schemes[0]}://user:password@host:port, got another text`);
  }
  for (const key of Object.keys(env))
    if (key.startsWith("PARKHUB_") && !known.includes(key))
      problems.push(`environment /${key} expected one of ${known.join(", ")}, got this name`);
  if (problems.length > 0) throw new ConfigError("CONFIG_INVALID", problems);
  return given as Environment;
}

/** The README's table of variables: name, default, meaning. */
export function environmentTable(): string {
  const rows = Object.entries(Environment.properties).map(([name, schema]) => {
    const { default: fallback, description } = schema as { default?: string; description?: string };
    return `| \`${name}\` | ${fallback === undefined ? "" : `\`${fallback}\``} | ${description ?? ""} |`;
  });
  return ["| variable | default | what it is |", "|---|---|---|", ...rows].join("\n");
}
