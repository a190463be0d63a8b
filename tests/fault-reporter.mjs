import { writeFileSync } from "node:fs";
import process from "node:process";

/** Keeps what a run ends with and no test owns: an error after the test that caused it, a module that did not load. */
export default class FaultReporter {
  onTestRunEnd(modules, unhandled, reason) {
    const faults = [
      ...modules.flatMap((module) =>
        module.errors().map((error) => `${module.moduleId}: ${error.stack ?? error.message}`),
      ),
      ...unhandled.map((error) => `outside of any test: ${error.stack ?? error.message}`),
    ];
    const file = process.env.PARKHUB_FAULTS_FILE;
    if (file !== undefined) writeFileSync(file, JSON.stringify({ reason, faults }));
  }
}
