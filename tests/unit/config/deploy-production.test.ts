import { spawnSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { Check } from "typebox/value";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { Environment, readEnvironment } from "#config/environment.ts";
import { Bootstrap } from "#config/schema/bootstrap.ts";

const root = path.resolve(import.meta.dirname, "../../..");
const folder = path.join(root, "config/deploy/production");
const read = (name: string): string => readFileSync(path.join(folder, name), "utf8");
const known = Object.keys(Environment.properties);

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly command?: readonly string[];
}
const compose = parse(read("compose.yaml")) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const services = Object.entries(compose.services);

/** `NAME=value` lines of an env file. */
function variablesOf(text: string): Readonly<Record<string, string>> {
  const lines = text.split("\n").filter((line) => /^[A-Z_]+=/.test(line));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

describe("the production profile's files", () => {
  it("name only variables that the hub knows, with values it takes", () => {
    const secrets = variablesOf(read("compose.env"));
    const filled = JSON.stringify(compose.services["cloud"]?.environment).replaceAll(/\$\{\w+:\?\}/g, "0a1b2c");
    const cloud = { ...(JSON.parse(filled) as Record<string, string>), PARKHUB_DATA: "/var/lib/parkhub" };
    for (const given of [cloud, variablesOf(read("cloud.env"))]) {
      expect(Object.keys(given).filter((name) => !known.includes(name))).toEqual([]);
      expect(readEnvironment(given)).toMatchObject({ PARKHUB_DATA: "/var/lib/parkhub" });
      for (const server of ["INFLUX", "POSTGRES", "REDIS", "BROKER"])
        expect(given).toHaveProperty(`PARKHUB_${server}_URL`);
    }
    const asked = [...read("compose.yaml").matchAll(/\$\{(\w+):\?\}/g)].map(([, name]) => name ?? "");
    expect([...new Set(asked)].sort()).toEqual(Object.keys(secrets).sort());
    expect(Object.values(secrets).filter((value) => value !== "")).toEqual([]);
  });

  it("mount what is there, keep every store in a volume, and offer nothing but TLS to other machines", () => {
    for (const [name, { volumes = [], ports = [], depends_on = {} }] of services) {
      for (const volume of volumes) {
        const [source = ""] = volume.split(":");
        // What the operator makes lies in ./etc.
        if (source.startsWith("./etc/")) continue;
        if (source.startsWith(".")) expect(existsSync(path.join(folder, source)), `${name} ${source}`).toBe(true);
        else expect(compose.volumes, `${name} ${source}`).toHaveProperty(source);
      }
      for (const port of ports) expect(port, name).toMatch(/^(127\.0\.0\.1:\d+|8883):\d+$/);
      for (const other of Object.keys(depends_on)) expect(compose.services, name).toHaveProperty(other);
    }
    for (const store of ["postgres", "redis", "influxdb"])
      expect(compose.services[store]?.volumes?.length).toBeGreaterThan(0);
    const { context = "", dockerfile = "" } = compose.services["cloud"]?.build ?? {};
    expect(path.join(folder, context)).toBe(root);
    expect(existsSync(path.join(root, dockerfile))).toBe(true);
  });

  it("run programs that the repository has", () => {
    const units = readdirSync(path.join(folder, "systemd"));
    const commands = [
      ...read("Dockerfile").matchAll(/\bCMD \["node", "([^"]+)"/g),
      ...units.flatMap((name) => [...read(`systemd/${name}`).matchAll(/^ExecStart=\S+(?: --\S+)* ([\w./]+)/gm)]),
    ].map(([, file]) => file ?? "");
    expect(commands).toHaveLength(1 + units.length);
    const gateway = compose.services["gateway"]?.command?.find((part) => part.endsWith(".mjs")) ?? "";
    for (const file of [...commands, gateway]) expect(existsSync(path.join(root, file)), file).toBe(true);
  });

  it("are started again however often they end, except for wrong configuration", () => {
    for (const name of readdirSync(path.join(folder, "systemd")))
      for (const line of ["StartLimitIntervalSec=0", "Restart=always", "RestartPreventExitStatus=2"])
        expect(read(`systemd/${name}`).split("\n"), name).toContain(line);
  });

  it("give the gateway a bootstrap that it takes", () => {
    expect(Check(Bootstrap, parse(read("gateway.yaml")))).toBe(true);
  });

  it("keep Redis as the jobs want it, and every acknowledged sample on disk", () => {
    const redis = read("redis.conf");
    for (const line of ["appendonly yes", "maxmemory-policy noeviction", "protected-mode yes"])
      expect(redis.split("\n")).toContain(line);
    expect(compose.services["redis"]?.command?.at(-1)).toMatch(/--appendonly yes .*--maxmemory-policy noeviction/);
    expect(read("influxdb.conf")).toMatch(/^ {2}wal-fsync-delay = "0s"$/m);
    expect(read("influxdb.conf")).toMatch(/^ {2}auth-enabled = true$/m);
  });

  it("give the broker in a container the same rules as the one of the machine", () => {
    const rules = (text: string): string[] =>
      text
        .split("\n")
        .filter((line) => line !== "" && !/^(#|plugin|listener|cafile|certfile|keyfile|log_dest)/.test(line))
        .sort();
    const own = readFileSync(path.join(root, "config/deploy/mosquitto/mosquitto.conf"), "utf8");
    expect(rules(read("mosquitto-container.conf"))).toEqual(rules(own));
  });

  describe.skipIf(spawnSync("systemd-analyze", ["--version"]).status !== 0)("read by systemd", () => {
    let units: string;
    beforeEach(() => {
      units = mkdtempSync(path.join(os.tmpdir(), "parkhub-units-"));
    });
    afterEach(() => rmSync(units, { recursive: true, force: true }));

    /** What systemd says about a unit in the folder, with its drop-ins. */
    function verified(name: string): { readonly status: number | null; readonly told: readonly string[] } {
      const { stderr, status } = spawnSync("systemd-analyze", ["verify", "--man=no", path.join(units, name)], {
        encoding: "utf8",
        env: { ...process.env, SYSTEMD_UNIT_PATH: `${units}:` },
      });
      return { status, told: stderr.split("\n").filter((line) => line.includes(units) || line.includes("parkhub-")) };
    }

    it.each(readdirSync(path.join(folder, "systemd")))("%s is understood", (name) => {
      // The program lies where the operator puts it; here it is the one that runs.
      const unit = read(`systemd/${name}`).replaceAll("/opt/parkhub/node_modules/.bin/node", process.execPath);
      const file = name.replace("@.", "@gw-1.");
      writeFileSync(path.join(units, file), unit);
      expect(verified(file)).toEqual({ status: 0, told: [] });
    });

    it.each([
      ["influxdb.service", "config/deploy/influxdb/parkhub.conf"],
      ["postgresql@.service", "config/deploy/postgresql/parkhub.conf"],
      ["parkhub-gateway@.service", "config/deploy/production/gateway-ca.conf"],
    ])("what is added to %s is understood", (name, addition) => {
      writeFileSync(path.join(units, name), "[Service]\nExecStart=/bin/true\n");
      mkdirSync(path.join(units, `${name}.d`));
      const text = readFileSync(path.join(root, addition), "utf8");
      expect(text.split("\n", 1)[0]).toMatch(new RegExp(`^# /etc/systemd/system/${name}[.]d/[a-z]+[.]conf\\b`));
      const script = path.join(root, "config/deploy/influxdb/seal-wal.sh");
      writeFileSync(
        path.join(units, `${name}.d/parkhub.conf`),
        text.replace("/usr/local/lib/parkhub/seal-wal.sh /", `/bin/sh ${script} /`),
      );
      expect(verified(name.replace("@.", "@one."))).toEqual({ status: 0, told: [] });
    });
  });
});

/** The commands of a page, line by line, without what is said about them. */
function commandsOf(page: string): readonly string[] {
  const text = readFileSync(path.join(root, "docs/operator", page), "utf8");
  return [...text.matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap(([, block = ""]) => block.split("\n"))
    .map((line) => line.replace(/(^|\s+)# .*$/, "").replace(/<[^>]+>/, "<>"))
    .filter((line) => line !== "");
}

describe("the operator's pages", () => {
  const pages = readdirSync(path.join(root, "docs/operator/en"));

  it.each(pages)("%s gives the same commands in both languages", (page) => {
    expect(commandsOf(`zh-CN/${page}`)).toEqual(commandsOf(`en/${page}`));
  });

  it.each(pages)("%s names only variables and files that are there", (page) => {
    const text = readFileSync(path.join(root, "docs/operator/en", page), "utf8");
    const variables = [...text.matchAll(/\bPARKHUB_[A-Z_]+/g)].map(([name]) => name);
    expect(variables.filter((name) => !known.includes(name))).toEqual([]);
    const files = [
      ...text.matchAll(/(?:^|\s)(?:\/opt\/parkhub\/)?((?:config\/deploy|production|influxdb)\/[\w./-]+\w)/g),
    ];
    const missing = files
      .map(([, file = ""]) => (file.startsWith("config/") ? file : `config/deploy/${file}`))
      .filter((file) => !existsSync(path.join(root, file)));
    expect(missing).toEqual([]);
  });

  it.each(pages)("%s copies only files that are there, from where its commands stand", (page) => {
    let at = "/";
    const copied: string[] = [];
    for (const line of commandsOf(`en/${page}`)) {
      const [program, ...words] = line.trim().split(/\s+/);
      if (program === "cd") at = path.posix.resolve(at, words[0] ?? "");
      const sources = program === "install" && !words.includes("-d") ? words.slice(0, -1) : [];
      const files = sources.filter((word) => /^[\w/][\w./@*-]*[.][a-z]+$/.test(word));
      copied.push(...files.map((file) => path.posix.resolve(at, file)).filter((file) => file.startsWith("/opt/")));
    }
    const missing = copied.filter((file) => globSync(path.join(root, file.slice("/opt/parkhub".length))).length === 0);
    expect(missing).toEqual([]);
    if (page === "production.md") expect(copied.length).toBeGreaterThanOrEqual(10);
  });

  it("keep the lock of the running cloud out of a backup", () => {
    const packed = commandsOf("en/backup.md").filter((line) => /\btar -C (\$D|\/var\/lib\/parkhub) .*-czf/.test(line));
    expect(packed).toHaveLength(2);
    for (const line of packed) expect(line).toContain("--exclude=./run ");
  });
});
