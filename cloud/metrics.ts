import type { GatewayView } from "#core/contracts/http.ts";

/** What `/metrics` is made from. */
export interface MetricSources {
  readonly gateways: () => readonly GatewayView[];
  readonly healthOf: (gateway: string) => ReadonlyMap<string, number | string | boolean>;
  readonly violations: () => ReadonlyMap<string, number>;
  readonly ingestBacklog: () => number;
  readonly openAlarms: () => ReadonlyMap<string, number>;
}

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  readonly samples: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[];
}

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

function show({ name, help, type, samples }: Metric): string {
  const lines = samples.map(({ labels, value }) => {
    const inside = Object.entries(labels ?? {}).map(([key, text]) => `${key}="${escaped(text)}"`);
    return `${name}${inside.length === 0 ? "" : `{${inside.join(",")}}`} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join("\n");
}

/** `Health/backlogTelemetry` -> `parkhub_gateway_backlog_telemetry`. */
function healthName(metric: string): string {
  return `parkhub_gateway_${metric.replace(/^Health\//, "").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

function healthMetrics({ gateways, healthOf }: MetricSources): readonly Metric[] {
  const byName = new Map<string, { labels: Record<string, string>; value: number }[]>();
  for (const { id } of gateways())
    for (const [metric, value] of healthOf(id)) {
      if (typeof value !== "number" || !/^Health\/[A-Za-z0-9]+$/.test(metric)) continue;
      byName.set(healthName(metric), [...(byName.get(healthName(metric)) ?? []), { labels: { gateway: id }, value }]);
    }
  return [...byName].map(([name, samples]) => ({
    name,
    help: "As the gateway's heartbeat says.",
    type: "gauge",
    samples,
  }));
}

/** Prometheus text of the cloud and, from their heartbeats, of its gateways. */
export function cloudMetrics(sources: MetricSources): string {
  const gateways = sources.gateways();
  const perGateway = (value: (gateway: GatewayView) => number) =>
    gateways.map((gateway) => ({ labels: { gateway: gateway.id }, value: value(gateway) }));
  const labelled = (values: ReadonlyMap<string, number>, label: string) =>
    [...values].map(([key, value]) => ({ labels: { [label]: key }, value }));
  const metrics: readonly Metric[] = [
    {
      name: "parkhub_gateway_online",
      help: "1 while the gateway is heard.",
      type: "gauge",
      samples: perGateway(({ online }) => Number(online)),
    },
    {
      name: "parkhub_gateway_quarantined_total",
      help: "Items that can never be stored.",
      type: "counter",
      samples: perGateway(({ quarantined }) => quarantined),
    },
    {
      name: "parkhub_gateway_gaps",
      help: "Known gaps in the gateway's lanes.",
      type: "gauge",
      samples: perGateway(({ gaps }) => gaps.length),
    },
    ...healthMetrics(sources),
    {
      name: "parkhub_open_alarms",
      help: "Alarms that are not closed, by priority.",
      type: "gauge",
      samples: labelled(sources.openAlarms(), "priority"),
    },
    {
      name: "parkhub_broker_violations_total",
      help: "What peers did wrong at the broker, by kind.",
      type: "counter",
      samples: labelled(sources.violations(), "kind"),
    },
    {
      name: "parkhub_ingest_backlog_samples",
      help: "Samples taken in and not stored yet.",
      type: "gauge",
      samples: [{ value: sources.ingestBacklog() }],
    },
    {
      name: "parkhub_cloud_rss_bytes",
      help: "Resident memory of the cloud process.",
      type: "gauge",
      samples: [{ value: process.memoryUsage.rss() }],
    },
  ];
  return `${metrics.map(show).join("\n")}\n`;
}
