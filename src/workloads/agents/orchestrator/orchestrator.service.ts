import { Injectable } from '@nestjs/common';
import {
  CharterExtractor,
  UnreadableMessageError,
  type ExtractionContext,
  type ModelUsage,
} from '../../../integrations/charter-language/charter-extractor';
import type { CharterRequest, MissingField } from '../../../integrations/charter-language/charter-request';
import type { Transaction } from '../../../platform/database/database.service';
import { Flows } from '../../../platform/flows/flows.service';
import { Outbox } from '../../../platform/outbox/outbox.service';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import { JobReturnedError } from '../../../platform/queue/job-step';
import type { AgentJob } from '../agent-job';
import { charterFlow } from '../charter-flow';
import { answerReading, codeOf, questionsOf } from '../charter-questions';
import { CharterRequests } from '../charter-requests.store';
import type { CharterRequestRow } from '../charter.tables';
import type { OrchestratorPayload } from './orchestrator.payload';

/** The result that document 001 gives; without next steps where the client is asked something, or has given up. */
export interface OrchestratorResult {
  readonly success: true;
  readonly requestId: string;
  readonly nextSteps: readonly string[];
}

interface Reading {
  readonly request: CharterRequest;
  readonly missing: readonly MissingField[];
  readonly provider: string;
  readonly usage: ModelUsage | null;
}

const NEXT_STEPS = ['flight-search', 'client-data'] as const;
// A model that is asked to wait longer is as good as away: the attempts of the job say when to give up.
const LONGEST_WAIT_MS = 600_000;

/** Understands charter requests, and hands them on or asks back. */
@Injectable()
export class OrchestratorService {
  constructor(
    private readonly requests: CharterRequests,
    private readonly extractor: CharterExtractor,
    private readonly flows: Flows,
    private readonly outbox: Outbox,
  ) {}

  async analyze(payload: OrchestratorPayload, job: AgentJob): Promise<OrchestratorResult> {
    await job.progress(10);
    const { requestId } = payload;
    const row = await this.rowOf(payload, job);
    if (row.status !== 'received') return { success: true, requestId, nextSteps: [] };
    const reading = await job.effects.atLeastOnce('read', async () =>
      storableCopy(await this.read(row, job)),
    );
    await job.progress(50);
    const isComplete = await job.effects.once('hand-on', (transaction) =>
      this.handOn(transaction, row, reading, job),
    );
    this.outbox.wakeRelay();
    await job.progress(100);
    return { success: true, requestId, nextSteps: isComplete ? NEXT_STEPS : [] };
  }

  /** The stored request; a job that somebody has added by itself brings its own. */
  private async rowOf(payload: OrchestratorPayload, job: AgentJob): Promise<CharterRequestRow> {
    const { requestId, userId, message, clientEmail, priority } = payload;
    const known = await this.requests.find(requestId, job.tenant);
    if (known !== undefined) return known;
    await job.effects.once('keep', async (transaction) => {
      await this.requests.insert(transaction, {
        id: requestId,
        tenant: job.tenant,
        userId,
        message,
        timeZone: 'UTC',
        priority: priority ?? 'low',
        ...(clientEmail !== undefined && { clientEmail }),
        ...(job.caller !== undefined && { caller: job.caller }),
      });
    });
    const kept = await this.requests.find(requestId, job.tenant);
    if (kept === undefined) throw new HopelessJobError(`The request ${requestId} was removed.`);
    return kept;
  }

  private async read(row: CharterRequestRow, job: AgentJob): Promise<Reading> {
    const context = {
      now: row.createdAt,
      timeZone: row.timeZone,
      jobId: job.id,
      tenant: row.tenant,
    } satisfies ExtractionContext;
    try {
      if (row.extraction === null || row.round === 1)
        return await this.extract(row.message, context, job.signal);
      return await this.readAnswers(row, row.extraction, context, job.signal);
    } catch (error) {
      throw asJobError(error, job.signal);
    }
  }

  private async extract(message: string, context: ExtractionContext, signal: AbortSignal): Promise<Reading> {
    const { request, missing, provider, usage } = await this.extractor.extract(message, context, signal);
    return { request, missing, provider, usage };
  }

  /** Each answer is read by itself, so that a "6" is a number of passengers and no hour of the day. */
  private async readAnswers(
    row: CharterRequestRow,
    known: CharterRequest,
    context: ExtractionContext,
    signal: AbortSignal,
  ): Promise<Reading> {
    let request = known;
    let missing = row.missing;
    let usage = row.usage;
    for (const { field, answer } of row.answers.filter(({ round }) => round === row.round - 1)) {
      if (field === 'clientEmail') continue;
      const reading = answerReading(field, answer);
      if (reading === undefined) continue;
      const { request: read, usage: taken } = await this.extractor.extract(reading.message, context, signal);
      usage = sumOf(usage, taken);
      const patched = reading.patch(request, read);
      if (patched === undefined) continue;
      request = patched;
      missing = missing.filter((one) => one.field !== field);
    }
    return { request, missing, provider: row.provider ?? 'unknown', usage };
  }

  private async handOn(
    transaction: Transaction,
    { id, tenant, round, caller }: CharterRequestRow,
    { request, missing, provider, usage }: Reading,
    job: AgentJob,
  ): Promise<boolean> {
    const row = await this.requests.lock(transaction, id, tenant);
    if (row === undefined || row.status !== 'received' || row.round !== round) return false;
    const clientEmail = row.clientEmail ?? answeredEmail(row) ?? request.clientEmail;
    const questions = questionsOf([...missing, ...unknownPlaces(request)], clientEmail);
    const reading = {
      extraction: request,
      provider,
      usage,
      missing: questions,
      clientEmail,
      clientName: row.clientName ?? request.clientName,
    };
    if (questions.length > 0 || clientEmail === null) {
      await this.requests.settleReading(transaction, row, reading);
      return false;
    }
    const asker = caller ?? job.caller;
    const flowId = await this.flows.start(transaction, {
      key: id,
      tenant,
      root: charterFlow(row, request, clientEmail),
      ...(asker != null && { caller: asker }),
    });
    await this.requests.settleReading(transaction, row, { ...reading, flowId });
    return true;
  }
}

function sumOf(one: ModelUsage | null, other: ModelUsage | null): ModelUsage | null {
  if (one === null || other === null) return one ?? other;
  return {
    model: other.model,
    promptTokens: one.promptTokens + other.promptTokens,
    completionTokens: one.completionTokens + other.completionTokens,
    totalTokens: one.totalTokens + other.totalTokens,
    cost: one.cost + other.cost,
    calls: one.calls + other.calls,
  };
}

/** The newest answer to the question for an address. */
function answeredEmail({ answers }: CharterRequestRow): string | undefined {
  return answers.findLast(({ field }) => field === 'clientEmail')?.answer.trim();
}

/** What the flow could not be started without, should whoever has read the message not have asked for it. */
function unknownPlaces({ legs, passengers, tripType }: CharterRequest): MissingField[] {
  const asked: MissingField[] = [];
  if (legs.length === 0) asked.push({ field: 'legs', question: 'From where to where, and when?' });
  if (passengers === null) asked.push({ field: 'passengers', question: 'How many people will travel?' });
  legs.forEach(({ departure, arrival, date }, index) => {
    // The way back asks nothing that the way there has asked.
    const isOwn = tripType !== 'round_trip' || index === 0;
    if (isOwn && codeOf(departure) === undefined) {
      asked.push({
        field: `legs[${index}].departure`,
        question: 'Which airport does the flight start from?',
      });
    }
    if (isOwn && codeOf(arrival) === undefined) {
      asked.push({ field: `legs[${index}].arrival`, question: 'Which airport does the flight go to?' });
    }
    if (date === null) asked.push({ field: `legs[${index}].date`, question: 'On which day is the flight?' });
  });
  return asked;
}

/** What an extractor's error means for the job: wait, try again, or give up. */
function asJobError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted || !(error instanceof Error)) return error;
  if (error instanceof UnreadableMessageError) return new HopelessJobError(error.message);
  const { isRetryable, retryAfterMs } = error as { isRetryable?: unknown; retryAfterMs?: unknown };
  if (isRetryable === false) return new HopelessJobError(error.message);
  if (typeof retryAfterMs === 'number' && retryAfterMs <= LONGEST_WAIT_MS) {
    return new JobReturnedError(error.message, Math.max(1_000, retryAfterMs));
  }
  return error;
}

/** Whoever cuts a text may have cut a character in half, which PostgreSQL's JSON refuses. */
function storableCopy<T>(value: T): T {
  const json = JSON.stringify(value, (_key, one: unknown) =>
    typeof one === 'string' ? one.replaceAll('\0', '').toWellFormed() : one,
  );
  return JSON.parse(json) as T;
}
