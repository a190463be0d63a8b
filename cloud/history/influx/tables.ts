/** What the InfluxDB store keeps in the record database. Retention: never pruned; it grows only with gaps and epochs. */
export interface StoredRangeTables {
  /** Offsets whose samples InfluxDB has acknowledged: ranges that do not touch each other, both ends inclusive. */
  telemetry_ranges: {
    gateway: string;
    epoch: string;
    from_offset: number;
    to_offset: number;
  };
}
