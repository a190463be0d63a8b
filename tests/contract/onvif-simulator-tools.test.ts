import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { peer } from "../peers.ts";

/** Loopback of a namespace of its own that carries multicast, as the network of cameras does. */
const NETWORK =
  'ip link set lo up && ip link set lo multicast on && ip route add 239.255.255.250/32 dev lo && exec "$@"';

function namespaces(): boolean {
  const made = spawnSync("unshare", ["-n", "sh", "-c", NETWORK, "sh", "true"]);
  if (made.status === 0) return true;
  process.stderr.write("network namespaces are not available: the tests of Debian's onvif-tools are skipped\n");
  return false;
}

const onvifUtil = peer("onvif-util");

describe.skipIf(onvifUtil === undefined || !namespaces())("the simulated camera and Debian's onvif-tools", () => {
  it("find each other by multicast, and agree on identity, profiles, streams and imaging", { timeout: 60_000 }, () => {
    const program = new URL("./onvif-simulator-tools.ts", import.meta.url).pathname;
    const commands = ["get rtsp", "get profiles", "get video", "set brightness 70", "get imaging", "get time"];
    const inside = ["sh", "-c", NETWORK, "sh", process.execPath, program, onvifUtil ?? "", ...commands];
    const ran = spawnSync("unshare", ["-n", ...inside], { encoding: "utf8", timeout: 50_000 });
    expect(ran.stdout, ran.stderr).toContain("Found 1 cameras");
    for (const line of [
      "successfully connected to host",
      "serial: SIM-camera-1",
      "rtsp://127.0.0.1:554/camera-1/main",
      "Token 0: profile_main",
      "Token 1: profile_sub",
      "Resolution: 640 x 360",
      "Brightness was set to 70",
      "Time Offset: 0 seconds",
      "brightness 70",
    ]) {
      expect(ran.stdout).toContain(line);
    }
  });
});
