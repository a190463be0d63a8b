import type { GatewayView } from "#core/contracts/gateways.ts";

/** What the video relay counts. */
export interface VideoNumbers {
  readonly gateways: number;
  readonly pulls: number;
  readonly viewers: number;
  readonly frames: number;
  readonly bytes: number;
  readonly dropped: number;
  readonly malformed: number;
}

/** What `/metrics` is made from. */
export interface MetricSources {
  readonly gateways: () => readonly GatewayView[];
  readonly healthOf: (gateway: string) => ReadonlyMap<string, number | string | boolean>;
  readonly violations: () => ReadonlyMap<string, number>;
  readonly ingestBacklog: () => number;
  readonly openAlarms: () => ReadonlyMap<string, number>;
  readonly video: () => VideoNumbers;
  /** Bytes of all pictures, clips and results. */
  readonly blobBytes: () => number;
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

function videoMetrics(numbers: VideoNumbers): readonly Metric[] {
  const metric = (name: string, type: Metric["type"], help: string, value: number): Metric => ({
    name: `parkhub_video_${name}`,
    type,
    help,
    samples: [{ value }],
  });
  return [
    metric("gateways", "gauge", "Gateways that hold a video line.", numbers.gateways),
    metric("pulls", "gauge", "Streams that run, one for each camera and quality.", numbers.pulls),
    metric("viewers", "gauge", "Pages that watch.", numbers.viewers),
    metric("frames_total", "counter", "Pictures taken from gateways.", numbers.frames),
    metric("bytes_total", "counter", "Bytes of pictures taken from gateways.", numbers.bytes),
    metric("dropped_total", "counter", "Pictures that viewers could not take.", numbers.dropped),
    metric("malformed_total", "counter", "Messages of gateways that were none.", numbers.malformed),
  ];
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
    ...videoMetrics(sources.video()),
    {
      name: "parkhub_blob_bytes",
      help: "Pictures, clips and results on the disk.",
      type: "gauge",
      samples: [{ value: sources.blobBytes() }],
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
