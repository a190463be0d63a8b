import type { DataValue, IVariableHistorian, ReadRawModifiedDetails } from "node-opcua";

const KEPT_VALUES = 5000;

/** The time of a range's end; none where it is left open (1601-01-01 on the wire). [OPC 10000-11 §6.4.3] */
function bound(date: Date | null | undefined): number | undefined {
  const ms = date?.getTime();
  return ms === undefined || ms < 0 ? undefined : ms;
}

/** Values of one variable, newest last; outlives a restart of its server, as a data logger does. */
export class History implements IVariableHistorian {
  readonly #values: DataValue[] = [];

  async push(value: DataValue): Promise<void> {
    this.#values.push(value);
    if (this.#values.length > KEPT_VALUES * 1.25) this.#values.splice(0, this.#values.length - KEPT_VALUES);
  }

  extractDataValues(
    details: ReadRawModifiedDetails,
    maxNumber: number,
    isReversed: boolean,
    reverseDataValue: boolean,
    callback: (error: Error | null, values?: DataValue[]) => void,
  ): void {
    const from = bound(details.startTime) ?? -Infinity;
    const to = bound(details.endTime) ?? Infinity;
    const within = this.#values.filter(({ sourceTimestamp }) => {
      const at = sourceTimestamp?.getTime() ?? 0;
      return at >= from && at <= to;
    });
    const ordered = isReversed ? within.reverse() : within;
    const some = maxNumber > 0 ? ordered.slice(0, maxNumber) : ordered;
    callback(null, reverseDataValue ? some.toReversed() : some);
  }
}
