import { Injectable } from '@nestjs/common';
import type { FlowInputs } from '../../../platform/flows/flow-inputs';
import type { AgentJob } from '../agent-job';
import { CharterRequests } from '../charter-requests.store';
import type { CharterRequestRow } from '../charter.tables';
import { MAX_OPTIONS, proposalIdOf, type ProposedOption, type RejectedAircraft } from '../proposal';
import { Proposals } from '../proposals.store';
import type { Quote } from '../quote';
import type { FlowResults } from './flow-results';
import type { ProposalAnalysisPayload } from './proposal-analysis.payload';
import { rankQuotes, type RankableQuote, type RankedQuote, type RankingPreferences } from './quote-ranking';

export interface ProposalAnalysisResult {
  readonly success: true;
  readonly requestId: string;
  /** Null for quotes that belong to no stored request. */
  readonly proposalId: string | null;
  readonly options: readonly ProposedOption[];
  readonly rejected: readonly RejectedAircraft[];
}

const PREFERENCES_MISSING = 'What this client prefers could not be read, and was left out of the ranking.';

/** Ranks quotes into the proposal of a request. */
@Injectable()
export class ProposalAnalysisService {
  constructor(
    private readonly requests: CharterRequests,
    private readonly proposals: Proposals,
  ) {}

  async analyze(
    payload: ProposalAnalysisPayload,
    inputs: FlowInputs<FlowResults> | undefined,
    { tenant, effects }: AgentJob,
  ): Promise<ProposalAnalysisResult> {
    const { requestId } = payload;
    const row = await this.requests.find(requestId, tenant);
    const search = inputs?.require('flight-search');
    const quotes: readonly RankableQuote[] = search?.quotes ?? payload.quotes;
    const ranked = rankQuotes(quotes, preferencesOf(row, inputs));
    const options = ranked.slice(0, MAX_OPTIONS).map((one) => optionOf(one, quotes));
    const rejected = (search?.rejected ?? []).map(({ reason, count }) => ({ reason, count }));
    const result = { success: true, requestId, options, rejected } as const;
    if (row === undefined) return { ...result, proposalId: null };
    const id = proposalIdOf(requestId);
    const caveats = (inputs?.ignoredFailures ?? []).map(() => PREFERENCES_MISSING);
    await effects.once('keep', (transaction) =>
      this.proposals.put(transaction, { tenant, id, requestId, options, rejected, caveats }),
    );
    return { ...result, proposalId: id };
  }
}

function preferencesOf(
  row: CharterRequestRow | undefined,
  inputs: FlowInputs<FlowResults> | undefined,
): RankingPreferences {
  const preferences = inputs?.get('client-data')?.client?.preferences;
  const asked = row?.extraction?.budget;
  const passengers = row?.extraction?.passengers ?? 1;
  const budget =
    asked?.currency === 'USD'
      ? Math.round(asked.kind === 'per_person' ? asked.amount * passengers : asked.amount)
      : preferences?.budget;
  return {
    ...(preferences?.weights !== undefined && { weights: preferences.weights }),
    ...(budget !== undefined && budget > 0 && { budget }),
  };
}

function optionOf(ranked: RankedQuote, quotes: readonly RankableQuote[]): ProposedOption {
  const { rank, id, operatorName, price, score, summary } = ranked;
  const quote = quotes.find((one) => one.id === id);
  return {
    rank,
    quoteId: id,
    operatorName,
    price,
    score,
    summary,
    ...(quote !== undefined &&
      isWhole(quote) && {
        aircraft: quote.aircraft.type,
        blockMinutes: quote.blockMinutes,
        fuelStopCount: quote.fuelStopCount,
        legs: quote.legs.map(({ departure, arrival, departsAt, arrivesAt }) => ({
          departure,
          arrival,
          departsAt,
          arrivesAt,
        })),
      }),
  };
}

function isWhole(quote: RankableQuote): quote is Quote {
  return 'aircraft' in quote;
}
