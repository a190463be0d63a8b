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
  PARKHUB_BLOB_LIMIT_GB: Type.String({
    default: "20",
    pattern: "^[0-9]{1,6}([.][0-9]{1,3})?$",
    description:
      "Disk space for pictures, clips and results in the cloud, GB (10^9 bytes). Beyond it the oldest go first, never those of open alarms.",
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

/** The hub's variables with defaults. @throws CONFIG_INVALID with every fault at once */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  const known = Object.keys(Environment.properties);
  const given = Object.fromEntries(
    Object.entries(env).filter(([key, value]) => known.includes(key) && value !== undefined && value !== ""),
  );
  const problems = schemaProblems(Environment, given).map(({ text }) => `environment ${text}`);
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
