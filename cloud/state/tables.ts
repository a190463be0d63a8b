/** Last known value of each point, so that a restart of the cloud forgets nothing while a gateway is away. */
export interface StateTables {
  last_values: {
    point: string;
    /** The Sample as JSON. */
    sample: string;
  };
}
