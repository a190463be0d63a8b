import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DeadJobView, JobsView } from "#core/contracts/jobs.ts";
import { useLoad } from "../../api/use-load.ts";
import { fullTime } from "../../i18n/format.ts";
import type { GatewayTexts } from "../../i18n/zh-cn-gateways.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { Icon } from "../../ui/icon.tsx";
import { ErrorState, LoadingState } from "../../ui/states.tsx";

/** Jobs of the hub with those that failed for good, for those who may look after it. */
export function HubJobs() {
  const { session } = useServices();
  const state = useCell(session.state);
  return state.is === "in" && state.permissions.has("system.manage") ? <Jobs /> : null;
}

function Jobs() {
  const { t } = useTranslation();
  const { api } = useServices();
  const { data, error, loading, reload } = useLoad("jobs", (signal) => api.jobs(signal));
  return (
    <article className="panel gateway" aria-label={t("gateway.jobs")} data-testid="jobs">
      <section className="section">
        <div className="proof-head">
          <div>
            <h3>{t("gateway.jobs")}</h3>
            <p className="soft">{t("gateway.jobsHint")}</p>
          </div>
          {data !== undefined && (
            <span className="soft" data-testid="jobs-count">
              {t("gateway.jobsCount", { waiting: data.waiting, active: data.active, dead: data.dead })}
            </span>
          )}
          <Button size="small" loading={loading} onClick={reload}>
            {t("gateway.check")}
          </Button>
        </div>
        {data === undefined && loading && <LoadingState />}
        {error !== undefined && <ErrorState error={error} onRetry={reload} />}
        {data !== undefined && <Dead jobs={data} onChanged={reload} />}
      </section>
    </article>
  );
}

/** Names a job among those that failed. */
const rowOf = ({ kind, key }: Pick<DeadJobView, "kind" | "key">): string => `${kind} ${key}`;

function Dead({ jobs, onChanged }: { readonly jobs: JobsView; readonly onChanged: () => void }) {
  const { t } = useTranslation();
  const { api } = useServices();
  const [failed, setFailed] = useState<unknown>();
  const [busy, setBusy] = useState<string>();
  const retry = async (job: DeadJobView): Promise<void> => {
    const { kind, key } = job;
    setFailed(undefined);
    setBusy(rowOf(job));
    try {
      await api.retryJob({ kind, key });
      onChanged();
    } catch (error) {
      setFailed(error);
    }
    setBusy(undefined);
  };
  const lookAgain = (): void => {
    setFailed(undefined);
    onChanged();
  };
  return (
    <>
      {!jobs.ready && (
        <p className="verdict verdict-bad">
          <Icon name="warning" />
          {t("gateway.jobsStopped", { reason: jobs.detail ?? "" })}
        </p>
      )}
      {failed !== undefined && <ErrorState error={failed} onRetry={lookAgain} />}
      {jobs.deadJobs.length === 0 ? (
        <p className="soft">{t("gateway.noDeadJobs")}</p>
      ) : (
        <DeadTable jobs={jobs.deadJobs} busy={busy} onRetry={(job) => void retry(job)} />
      )}
    </>
  );
}

/** Kinds that have a word. */
type JobWord = keyof GatewayTexts["jobKind"];

interface TableProps {
  readonly jobs: readonly DeadJobView[];
  /** The one that is being tried again. */
  readonly busy: string | undefined;
  readonly onRetry: (job: DeadJobView) => void;
}

function DeadTable({ jobs, busy, onRetry }: TableProps) {
  const { t, i18n } = useTranslation();
  const wordOf = (kind: string): string =>
    i18n.exists(`gateway.jobKind.${kind}`) ? t(`gateway.jobKind.${kind as JobWord}`) : kind;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be in reach of the keyboard.
    <section className="gateway-rows" aria-label={t("gateway.jobs")} tabIndex={0}>
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">{t("gateway.job")}</th>
            <th scope="col">{t("gateway.failedAt")}</th>
            <th scope="col" className="number">
              {t("gateway.tries")}
            </th>
            <th scope="col">{t("gateway.reason")}</th>
            <th scope="col" aria-label={t("gateway.retryJob")} />
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <tr key={rowOf(job)} data-testid="dead-job">
              <th scope="row">
                {wordOf(job.kind)} <code>{job.key}</code>
              </th>
              <td>{fullTime(job.failedAt).slice(0, 19)}</td>
              <td className="number">{job.attempt}</td>
              <td>{job.error}</td>
              <td>
                <Button
                  size="small"
                  loading={busy === rowOf(job)}
                  disabled={busy !== undefined && busy !== rowOf(job)}
                  onClick={() => onRetry(job)}
                >
                  {t("gateway.retryJob")}
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
