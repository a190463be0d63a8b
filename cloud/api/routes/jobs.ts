import { JobRetry, JobsView } from "#core/contracts/jobs.ts";
import { HubError } from "#core/errors.ts";
import { iso } from "../../time.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allowWhole, route } from "../route.ts";

/** What the hub does in the background. */
export function jobRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const view = async (): Promise<JobsView> => {
    const { ready, detail } = deps.jobs.status;
    const dead = await deps.jobs.dead();
    return {
      ready,
      ...(detail === undefined ? {} : { detail }),
      ...(await deps.jobs.counts()),
      deadJobs: dead.map((job) => ({ ...job, runAt: iso(job.runAt), failedAt: iso(job.failedAt) })),
    };
  };
  return [
    route({
      method: "GET",
      url: "/jobs",
      access: allowWhole("system.manage"),
      summary: "Jobs of the hub: how many wait, are under way or have failed for the last time, and those",
      tag: "system",
      answer: JobsView,
      handle: view,
    }),
    route({
      method: "POST",
      url: "/jobs/dead/retry",
      access: allowWhole("system.manage"),
      summary: "Give a job that failed for the last time another round of tries",
      tag: "system",
      body: JobRetry,
      answer: JobsView,
      async handle({ body, actor }) {
        const { kind, key } = body;
        if (!(await deps.jobs.retry(kind, key)))
          throw new HubError("JOB_UNKNOWN", `job ${kind} ${key}: no such job among the failed ones`);
        const ip = actor.ip === undefined ? {} : { ip: actor.ip };
        deps.audit.append({ actor: actor.name, action: "job.retry", target: `${kind} ${key}`, result: "ok", ...ip });
        return view();
      },
    }),
  ];
}
