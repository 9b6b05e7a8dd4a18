import { Injectable } from '@nestjs/common';
import type { DeadLetter } from '../../platform/dead-letter/dead-letter-entry';
import {
  DeadLetterRedrive,
  type RedriveOutcome,
} from '../../platform/dead-letter/dead-letter-redrive.service';
import { DeadLetterStore, type Decision } from '../../platform/dead-letter/dead-letter.store';
import type { DeadLetterFilter } from '../../platform/dead-letter/dead-letter-filter';
import { JobRetry, type RetryWish } from '../../platform/dead-letter/job-retry.service';
import { JobReturn } from '../../platform/dead-letter/job-return.service';
import { RedriveRefusedError } from '../../platform/dead-letter/returnable';
import { decodeCursor, encodeCursor } from '../../platform/http/cursor';
import { problem } from '../../platform/problems/problem-catalogue';
import type { DeadLetterFilterDto, DeadLetterListQuery, RedriveDto } from './dead-letter-query.dto';
import type { DeadLetterGroupsDto, DeadLetterListDto } from './dead-letter.dto';
import { deadLetterView, groupView } from './dead-letter-view';

type Redriven = RedriveOutcome & { kind: 'redriven' };

/** What operators see of dead letters, and decide about them. */
@Injectable()
export class DeadLettersService {
  constructor(
    private readonly store: DeadLetterStore,
    private readonly redrives: DeadLetterRedrive,
    private readonly jobs: JobReturn,
    private readonly retries: JobRetry,
  ) {}

  async list(query: DeadLetterListQuery, tenant: string): Promise<DeadLetterListDto> {
    const { limit, cursor } = query;
    const page = { limit: limit + 1, ...(cursor !== undefined && { after: positionOf(cursor) }) };
    const found = await this.store.list(listFilter(query), page, tenant);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return {
      items: items.map((letter) => deadLetterView(letter, letter.isEdited)),
      next_cursor:
        found.length > limit && last !== undefined ? encodeCursor([last.finishedAt, last.id]) : null,
    };
  }

  async groups(query: DeadLetterListQuery, tenant: string): Promise<DeadLetterGroupsDto> {
    const groups = await this.store.groups(listFilter(query), query.limit, tenant);
    return { groups: groups.map(groupView) };
  }

  /** Throws `dead_letter_not_found`. */
  async require(id: string, tenant: string): Promise<DeadLetter> {
    const letter = /^[\w-]{1,100}$/.test(id) ? await this.store.find(id, tenant) : undefined;
    if (letter === undefined) throw problem('dead_letter_not_found');
    return letter;
  }

  async edit(id: string, data: object, decision: Decision, tenant: string): Promise<DeadLetter> {
    const letter = await this.require(id, tenant);
    if (letter.status !== 'dead') throw decided(letter);
    const stored = await refusing(() => this.jobs.edited(letter, data));
    const edited = await this.store.edit(id, stored, decision);
    if (edited === undefined) throw decided(await this.require(id, tenant));
    return edited;
  }

  async redrive(id: string, wish: RedriveDto, by: string, tenant: string): Promise<Redriven> {
    const letter = await this.require(id, tenant);
    const { reason, target, type, resetAttempts = true } = wish;
    const order = {
      by,
      reason,
      resetAttempts,
      ...(target !== undefined && { target }),
      ...(type !== undefined && { type }),
    };
    const [outcome] = await this.redrives.redrive([letter.id], order);
    if (outcome?.kind === 'redriven') return outcome;
    if (outcome?.kind === 'refused') throw refusalProblem(outcome.error);
    throw decided(await this.require(id, tenant));
  }

  async discard(id: string, decision: Decision, tenant: string): Promise<void> {
    const letter = await this.require(id, tenant);
    if ((await this.store.discard([letter.id], decision)).size > 0) return;
    throw decided(await this.require(id, tenant));
  }

  async restore(id: string, decision: Decision, tenant: string): Promise<DeadLetter> {
    const letter = await this.require(id, tenant);
    const isRestored = (await this.store.restore([letter.id], decision)).size > 0;
    const now = await this.require(id, tenant);
    if (!isRestored) throw decided(now);
    return now;
  }

  /** Throws `job_not_found` or `job_not_failed`. */
  async retryJob(id: string, wish: RetryWish, tenant: string): Promise<Redriven> {
    const outcome = await refusing(() => this.retries.retry(id, wish, tenant));
    if (outcome === 'not_found')
      throw problem('job_not_found', { detail: `There is no job ${id.slice(0, 100)}.` });
    if (outcome === 'wrong_state') throw problem('job_not_failed');
    return outcome;
  }

  /** Throws `job_not_found` or `job_not_delayed`. */
  async promoteJob(id: string, tenant: string): Promise<void> {
    const outcome = await this.retries.promote(id, tenant);
    if (outcome === 'not_found')
      throw problem('job_not_found', { detail: `There is no job ${id.slice(0, 100)}.` });
    if (outcome === 'wrong_state') throw problem('job_not_delayed');
  }
}

/** The filter of a query or of a body. */
export function filterOf({
  queue,
  type,
  cause,
  errorGroup,
  from,
  to,
}: DeadLetterFilterDto): DeadLetterFilter {
  return {
    ...(queue !== undefined && { queue }),
    ...(type !== undefined && { type }),
    ...(cause !== undefined && { cause }),
    ...(errorGroup !== undefined && { fingerprint: errorGroup }),
    ...(from !== undefined && { from: Date.parse(from) }),
    ...(to !== undefined && { to: Date.parse(to) }),
  };
}

function listFilter(query: DeadLetterListQuery): DeadLetterFilter {
  const { originQueue, key, jobId, status } = query;
  return {
    ...(originQueue !== undefined && { queue: originQueue }),
    ...filterOf(query),
    ...(key !== undefined && { key }),
    ...(jobId !== undefined && { jobId }),
    ...(status !== undefined && { status }),
  };
}

function positionOf(cursor: string): { finishedAt: number; id: string } {
  const [finishedAt, id] = decodeCursor(cursor, 'number', 'string');
  if (!Number.isSafeInteger(finishedAt) || !/^[\w-]{1,100}$/.test(id)) throw problem('cursor_invalid');
  return { finishedAt, id };
}

function decided({ id, status, changedBy }: DeadLetter) {
  const who = changedBy === null ? '' : `, by ${changedBy}`;
  return problem('dead_letter_decided', { detail: `Dead letter ${id} is ${status}${who}.` });
}

async function refusing<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    throw refusalProblem(error);
  }
}

function refusalProblem(error: unknown): unknown {
  return error instanceof RedriveRefusedError
    ? problem('redrive_refused', { detail: error.message.slice(0, 500) }, error)
    : error;
}
