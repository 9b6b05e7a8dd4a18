import { Injectable, Logger } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { Settings } from '../../config/settings';
import { platformKey } from '../../platform/redis/key-space';
import { RedisConnections } from '../../platform/redis/redis-connections.service';
import { isAway, RedisUnavailableError } from '../../platform/redis/redis-unavailable.error';
import { ModelBudgetError, type BudgetScope } from './language-model-error';
import type { ModelCall, ModelUsage, TokenCounts } from './model-usage';
import { RESERVE, SETTLE } from './token-budget-scripts';

export type TokenKind = 'text' | 'embedding';

/** What an exchange may use at most, taken from the budgets until it is settled. */
export interface Reservation {
  readonly kind: TokenKind;
  readonly model: string;
  readonly call: Pick<ModelCall, 'tenant' | 'jobId'>;
  readonly day: string;
  readonly counts: TokenCounts;
}

/** What one tenant used on one day (UTC). */
export interface RecordedUsage extends TokenCounts {
  readonly cost: number;
  readonly calls: number;
}

const DAY_MS = 86_400_000;
// An exchange that began before midnight is settled after it; a job may wait for days between its attempts.
const DAY_ACCOUNT_KEPT_MS = 2 * DAY_MS;
const JOB_ACCOUNT_KEPT_MS = 14 * DAY_MS;
const RECORD_KEPT_MS = 40 * DAY_MS;
const MILLIONTHS = 1_000_000;

/**
 * Tokens and costs per job and per day, counted in Redis for all processes together. What is reserved and never
 * settled, because a process died or an answer never came, stays counted: the endpoint may charge for it.
 */
@Injectable()
export class TokenBudget {
  private readonly logger = new Logger('LanguageModel');

  constructor(
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
  ) {}

  /** Rejects with {@link ModelBudgetError}, or with `RedisUnavailableError`, where nothing is counted. */
  async reserve(request: Omit<Reservation, 'day'>, now = new Date()): Promise<Reservation> {
    const reservation = { ...request, day: now.toISOString().slice(0, 10) };
    const { LLM_TOKENS_PER_DAY, LLM_COST_PER_DAY, LLM_TOKENS_PER_JOB } = this.settings;
    const keys = this.accountsOf(reservation);
    const scope = (await this.run(RESERVE, keys, [
      tokensOf(request.counts),
      this.millionths(request.kind, request.counts),
      LLM_TOKENS_PER_DAY,
      Math.round(LLM_COST_PER_DAY * MILLIONTHS),
      LLM_TOKENS_PER_JOB,
      DAY_ACCOUNT_KEPT_MS,
      JOB_ACCOUNT_KEPT_MS,
    ])) as BudgetScope | '';
    if (scope === '') return reservation;
    throw new ModelBudgetError(scope, scope === 'tokens of the job' ? undefined : untilMidnight(now));
  }

  /** Counts what was used instead of what was reserved, all of it without `counts`. Never rejects. */
  async settle(reservation: Reservation, counts = reservation.counts): Promise<ModelUsage> {
    const { kind, model } = reservation;
    const reserved = reservation.counts;
    const cost = this.millionths(kind, counts);
    const more = [tokensOf(counts) - tokensOf(reserved), cost - this.millionths(kind, reserved)];
    const record = [counts.promptTokens, counts.completionTokens, cost, 1, RECORD_KEPT_MS];
    const keys = [this.recordOf(reservation.call.tenant, reservation.day), ...this.accountsOf(reservation)];
    await this.run(SETTLE, keys, [...more, ...record]).catch((error: unknown) =>
      this.logger.warn(`What a model used stays counted as reserved: ${String(error).slice(0, 200)}`),
    );
    return { model, ...counts, totalTokens: tokensOf(counts), cost: cost / MILLIONTHS, calls: 1 };
  }

  /** What a tenant used on a day (`YYYY-MM-DD`, UTC) of the last 40. */
  async usedOn(day: string, tenant: string): Promise<RecordedUsage> {
    const stored = await this.asked(this.connections.producer.hgetall(this.recordOf(tenant, day)));
    const count = (name: string) => Number(stored[name] ?? 0);
    return {
      promptTokens: count('promptTokens'),
      completionTokens: count('completionTokens'),
      cost: count('cost') / MILLIONTHS,
      calls: count('calls'),
    };
  }

  private accountsOf({ call, day }: Pick<Reservation, 'call' | 'day'>): string[] {
    const job = call.jobId === undefined ? [] : [this.key(`job:${short(`${call.tenant}\0${call.jobId}`)}`)];
    return [this.key(`day:${day}`), ...job];
  }

  private recordOf(tenant: string, day: string): string {
    return this.key(`used:${day}:${short(tenant)}`);
  }

  /** All in one slot of a Cluster, because one script touches them. */
  private key(name: string): string {
    return platformKey(this.settings, `{language-model}:${name}`);
  }

  private millionths(kind: TokenKind, { promptTokens, completionTokens }: TokenCounts): number {
    const {
      LLM_PROMPT_PRICE_PER_THOUSAND,
      LLM_COMPLETION_PRICE_PER_THOUSAND,
      LLM_EMBEDDING_PRICE_PER_THOUSAND,
    } = this.settings;
    const promptPrice =
      kind === 'embedding' ? LLM_EMBEDDING_PRICE_PER_THOUSAND : LLM_PROMPT_PRICE_PER_THOUSAND;
    // Prices are per thousand, costs in millionths.
    return Math.ceil(
      promptTokens * promptPrice * 1_000 + completionTokens * LLM_COMPLETION_PRICE_PER_THOUSAND * 1_000,
    );
  }

  private async run(script: string, keys: readonly string[], values: readonly number[]): Promise<unknown> {
    this.connections.assertReady();
    return this.asked(this.connections.producer.eval(script, keys.length, ...keys, ...values));
  }

  private async asked<T>(answer: Promise<T>): Promise<T> {
    return answer.catch((error: unknown) => {
      throw isAway(error)
        ? new RedisUnavailableError('Redis cannot count what the language model may use.', { cause: error })
        : error;
    });
  }
}

function tokensOf({ promptTokens, completionTokens }: TokenCounts): number {
  return promptTokens + completionTokens;
}

function untilMidnight(now: Date): number {
  return DAY_MS - (now.getTime() % DAY_MS);
}

/** Tenants and job ids may be of any length. */
function short(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
