import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { peer } from "#tests/peers.ts";
import { freePort, serverFolder, TestServer } from "./server.ts";

const SHIPPED = path.join(import.meta.dirname, "../../config/deploy/mosquitto/mosquitto.conf");
/** Lines of the shipped configuration that name the machine it is for. */
const OF_THE_MACHINE = /^(listener|cafile|certfile|keyfile|plugin_opt_config_file)\b/;

/** The path of mosquitto, or undefined (with a line that says so) where it is not installed. */
export const mosquittoProgram = (): string | undefined => peer("mosquitto");

/** Certificate of 127.0.0.1 and its key, PEM files. */
export interface ServerCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** Makes a certificate that is its own authority in a folder. Undefined (with a line that says so) without openssl. */
export function selfSigned(folder: string): ServerCertificate | undefined {
  const openssl = peer("openssl");
  if (openssl === undefined) return undefined;
  const [certificate, key] = [path.join(folder, "broker.crt"), path.join(folder, "broker.key")];
  const what = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const whom = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync(openssl, ["req", ...what, ...whom, "-keyout", key, "-out", certificate], { stdio: "ignore" });
  return { certificate, key };
}

/**
 * A mosquitto of its own on a free loopback port, with the configuration that Parkhub ships; `security` is the text of its
 * security file, `tls` what it shows who connects by mqtts. @throws when it is not installed
 */
export async function startMosquitto(security: string, tls?: ServerCertificate): Promise<TestServer> {
  const command = mosquittoProgram();
  if (command === undefined) throw new Error("mosquitto is not installed");
  const folder = serverFolder("mosquitto");
  const port = await freePort();
  const rules = path.join(folder, "security.json");
  writeFileSync(rules, security, { mode: 0o600 });
  const shipped = readFileSync(SHIPPED, "utf8")
    .split("\n")
    .filter((line) => !OF_THE_MACHINE.test(line));
  const own = [
    `plugin_opt_config_file ${rules}`,
    // else it gives root up for a user who may not read the folder
    ...(process.getuid?.() === 0 ? ["user root"] : []),
    `listener ${port} 127.0.0.1`,
    ...(tls === undefined ? [] : [`certfile ${tls.certificate}`, `keyfile ${tls.key}`]),
  ];
  const conf = path.join(folder, "mosquitto.conf");
  writeFileSync(conf, [...shipped, ...own, ""].join("\n"));
  return await TestServer.start({ name: "mosquitto", command, args: ["-c", conf], port }, folder);
}
