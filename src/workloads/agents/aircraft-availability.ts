/** From `from` to just before `until`. */
export interface Period {
  readonly from: Date;
  readonly until: Date;
}

/** Whether aircraft can be had, whoever knows it: the fleet's own table, or an operator's system. */
export abstract class AircraftAvailability {
  /** When the given aircraft are taken, as far as it touches the period; nothing for those that are free. */
  abstract takenPeriods(
    tenant: string,
    aircraftIds: readonly string[],
    period: Period,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly Period[]>>;
}

export function overlaps(one: Period, other: Period): boolean {
  return one.from < other.until && other.from < one.until;
}
