import { Injectable } from '@nestjs/common';
import { Settings } from '../../config/settings';
import { maySeePayloads, type Principal } from '../../platform/auth/principal';
import { LedgerRemovals } from '../../platform/ledger/ledger-removals.service';
import { LedgerSearch } from '../../platform/ledger/ledger-search.service';
import type { LedgerFilter } from '../../platform/ledger/ledger-filter';
import type { LedgerJob } from '../../platform/ledger/ledger-job';
import { KeyLimitStore } from '../../platform/key-limits/key-limit-store.service';
import type { Problem } from '../../platform/problems/problem';
import { problem } from '../../platform/problems/problem-catalogue';
import { JobReader } from '../../platform/queue/job-reader.service';
import type { JobSnapshot } from '../../platform/queue/job-snapshot';
import { QueueRegistry } from '../../platform/queue/queue-registry.service';
import { RedisConnections } from '../../platform/redis/redis-connections.service';
import { decodeCursor, encodeCursor } from '../../platform/http/cursor';
import { jobBody, jobTag, tagFor } from './job-body';
import type { JobListQueryDto } from './job-list-query.dto';
import type { JobAttemptListDto, PastJobListDto } from './job-list.dto';
import type { JobDto, JobHoldDto } from './job.dto';
import { attemptBodies, pastJobBody, pastSnapshot } from './past-job-body';
import { searchablePayload } from './searchable-payload';

const ERRORS_HIDDEN = 'Only ids and keys were searched for "q": the texts of errors need "payloads:read".';

export interface FoundJob {
  readonly body: JobDto;
  readonly source: 'redis' | 'ledger';
  /** The entity tag. */
  readonly tag: string;
}

/** Jobs as Redis has them while it does, and as the history has them after. */
@Injectable()
export class JobHistory {
  constructor(
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
    private readonly reader: JobReader,
    private readonly search: LedgerSearch,
    private readonly removals: LedgerRemovals,
    private readonly settings: Settings,
    private readonly keyLimits: KeyLimitStore,
  ) {}

  /** Throws as {@link read} does. */
  async status(id: string, viewer: Principal): Promise<FoundJob> {
    const { job, source, isResultOmitted } = await this.read(id, viewer.tenant);
    const known = jobBody(job);
    const body = isResultOmitted ? { ...known, resultOmitted: true } : known;
    // The tag stands for the job; why it waits changes without it.
    const tag = source === 'redis' ? jobTag(job, viewer) : tagFor(viewer, body);
    const hold = await this.holdOf(job);
    return { body: hold === undefined ? body : { ...body, hold }, source, tag };
  }

  private async holdOf({ id, heldFor }: JobSnapshot): Promise<JobHoldDto | undefined> {
    const entry = heldFor === undefined ? undefined : this.registry.ofJob(id);
    if (heldFor === undefined || entry === undefined) return undefined;
    const { key, reason, nextAt } = await this.keyLimits.hold(entry, heldFor);
    return { key, reason, ...(nextAt !== undefined && { nextAt: new Date(nextAt).toISOString() }) };
  }

  /** Throws 404 for a job that nobody of the tenant knows, 410 for one that left Redis without an end. */
  async read(
    id: string,
    tenant: string,
  ): Promise<{ job: JobSnapshot; source: 'redis' | 'ledger'; isResultOmitted: boolean }> {
    this.connections.assertReady();
    const job = await this.live(id, tenant);
    if (job !== undefined) return { job, source: 'redis', isResultOmitted: false };
    const past = await this.past(id, tenant);
    if (past.state === 'removed' || past.finishedAt === undefined) throw gone(past);
    return { job: pastSnapshot(past, past.state), source: 'ledger', isResultOmitted: past.isResultOmitted };
  }

  /** A job that has left Redis, as it ended; undefined when the history does not know, or cannot be asked. */
  async recall(id: string, tenant: string): Promise<JobSnapshot | undefined> {
    try {
      const past = await this.past(id, tenant);
      return past.state === 'removed' ? undefined : pastSnapshot(past, past.state);
    } catch {
      return undefined;
    }
  }

  async attempts(id: string, tenant: string): Promise<JobAttemptListDto> {
    this.connections.assertReady();
    const job = await this.live(id, tenant);
    if (job !== undefined) return { items: attemptBodies(job.attempts, job) };
    const past = await this.past(id, tenant);
    return { items: attemptBodies(await this.search.attempts(past), past) };
  }

  async list(
    query: JobListQueryDto,
    payload: Readonly<Record<string, unknown>>,
    principal: Principal,
  ): Promise<PastJobListDto> {
    const isOpen = maySeePayloads(principal, query.queue);
    if (!isOpen && Object.keys(payload).length > 0) throw payloadsHidden();
    const filter: LedgerFilter = {
      tenant: principal.tenant,
      areErrorsHidden: !isOpen,
      ...given({ queue: query.queue, type: query.type, states: query.state, key: query.key }),
      ...given({ q: query.q, tags: query.tag, errorGroup: query.errorGroup }),
      ...given({ from: timeOf(query.from), to: timeOf(query.to) }),
      payload: searchablePayload(this.registry, query.type, payload),
    };
    const { jobs, next, searchedSince } = await this.search.find(filter, {
      limit: query.limit,
      include: {
        result: query.include?.includes('result') ?? false,
        error: query.include?.includes('error') ?? false,
      },
      ...(query.cursor !== undefined && { after: positionOf(query.cursor) }),
    });
    return {
      items: jobs.map(pastJobBody),
      next_cursor: next === undefined ? null : encodeCursor([next.createdAt, next.id]),
      ...(searchedSince !== undefined && { warnings: [partly(searchedSince)] }),
      ...(query.q !== undefined && !isOpen && { warnings: [ERRORS_HIDDEN] }),
    };
  }

  /** Another tenant's job is answered like one that is not there. */
  private async live(id: string, tenant: string): Promise<JobSnapshot | undefined> {
    const job = await this.reader.read(id);
    return job?.origin.tenant === tenant ? job : undefined;
  }

  /** What the history knows of a job that Redis does not have; a removal that it has not read yet counts, too. */
  private async past(id: string, tenant: string): Promise<LedgerJob> {
    if (this.registry.ofJob(id) === undefined) {
      throw problem('job_not_found', { detail: 'No queue makes such an id.' });
    }
    const past = await this.search.read(id);
    if (past?.tenant === tenant && past.finishedAt !== undefined) return past;
    // The writer may have taken it from the one to the other meanwhile.
    const known = (await this.removals.recent(id)) ?? (await this.search.read(id));
    if (known?.tenant === tenant) return known;
    const days = this.settings.LEDGER_RETENTION_DAYS;
    throw problem('job_not_found', {
      detail: `There is no job ${id}: the history keeps jobs for ${days} days.`,
    });
  }
}

/** Whoever may not read a payload could guess it by looking for it. */
function payloadsHidden(): Problem {
  return problem('forbidden', {
    detail: 'To look for payload fields needs "payloads:read"; the key has no grant for it.',
  });
}

function gone({ id, finishedAt }: LedgerJob): Problem {
  const when = finishedAt === undefined ? '' : ` since ${new Date(finishedAt).toISOString()}`;
  return problem('gone', {
    detail: `Job ${id} left Redis before it had finished, and is gone${when}.`,
  });
}

function positionOf(cursor: string): { createdAt: number; id: string } {
  const [createdAt, id] = decodeCursor(cursor, 'number', 'string');
  // What no time has, or no text of PostgreSQL, no page of ours ended with.
  if (!Number.isFinite(new Date(createdAt).getTime()) || createdAt < 0 || !/^[\x20-\x7e]{1,100}$/.test(id)) {
    throw problem('cursor_invalid');
  }
  return { createdAt, id };
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}

function partly(since: number): string {
  return `The database has no pg_trgm: errors before ${new Date(since).toISOString()} were not searched. Narrow "to", or have the extension installed.`;
}

/** Without the members that are undefined. */
function given<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}
