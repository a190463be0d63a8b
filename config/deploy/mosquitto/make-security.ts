// `npm run broker-security -- <data folder> <target file> [foreign clients file]`: see securityOfFolder.
import process from "node:process";
import { securityOfFolder, writeSecret } from "./security-of-folder.ts";

const [, , data, target, clients] = process.argv;
if (data === undefined || target === undefined) {
  process.stderr.write("usage: npm run broker-security -- <data folder> <target file> [foreign clients file]\n");
  process.exitCode = 2;
} else {
  try {
    writeSecret(target, securityOfFolder(data, process.env["PARKHUB_BROKER_URL"] ?? "", clients));
    process.stdout.write(`${target} written: give it to mosquitto's user (chown mosquitto) and restart mosquitto\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
