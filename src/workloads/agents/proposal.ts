/** One offer of a proposal. */
export interface ProposedOption {
  readonly rank: number;
  readonly quoteId: string;
  readonly operatorName: string;
  /** US dollars with cents. */
  readonly price: number;
  /** 0 to 100. */
  readonly score: number;
  /** Why it stands where it stands. */
  readonly summary: string;
  /** Missing where the quote was a bare price. */
  readonly aircraft?: string;
  readonly blockMinutes?: number;
  readonly fuelStopCount?: number;
  readonly legs?: readonly {
    readonly departure: string;
    readonly arrival: string;
    readonly departsAt: string;
    readonly arrivesAt: string;
  }[];
}

/** Why aircraft of the fleet were left out, and how many. */
export interface RejectedAircraft {
  readonly reason: string;
  readonly count: number;
}

/** So many go into a proposal; the search finds more. */
export const MAX_OPTIONS = 5;

export function proposalIdOf(requestId: string): string {
  return `proposal-${requestId}`;
}
