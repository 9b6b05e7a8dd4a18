import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Settings } from '../../config/settings';
import type { Principal } from '../auth/principal';
import { problem } from '../problems/problem-catalogue';
import type { Problem } from '../problems/problem';
import type { Taken, WindowLimit } from './rate-window';
import { RateWindows } from './rate-windows.service';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/**
 * Takes the right to store so many jobs; call it once for all that are stored together. Throws `rate_limited`, and
 * `validation_failed` at the field that names them for more than a whole minute holds: those never fit.
 */
export type JobQuota = (jobs: number, field?: string) => Promise<void>;

/** What callers may do in a while: by key, by subject of a token, by the key behind a session. */
@Injectable()
export class CallerLimits {
  constructor(
    private readonly windows: RateWindows,
    private readonly settings: Settings,
  ) {}

  /** Counts one request. Throws `rate_limited`; either way the answer says what is left. */
  async takeRequest(principal: Principal, reply: FastifyReply): Promise<void> {
    const max = principal.limits?.requestsPerSecond ?? this.settings.LIMIT_REQUESTS_PER_SECOND;
    if (max === 0) return;
    const limit = { max, windowMs: SECOND_MS };
    const taken = await this.windows.take(`requests ${nameOf(principal)}`, limit);
    tell(reply, 'requests', limit, taken);
    if (taken.isAllowed) return;
    throw refusal(`This key may send ${max} requests a second.`, taken);
  }

  /** What a caller may still store; costs nothing where there is no limit. */
  jobQuota(principal: Principal, reply: FastifyReply): JobQuota {
    const max = principal.limits?.jobsPerMinute ?? this.settings.LIMIT_JOBS_PER_MINUTE;
    if (max === 0) return () => Promise.resolve();
    const limit = { max, windowMs: MINUTE_MS };
    return async (jobs, field = '#') => {
      if (jobs === 0) return;
      if (jobs > max) throw neverFits(jobs, max, field);
      const taken = await this.windows.take(`jobs ${nameOf(principal)}`, limit, jobs);
      tell(reply, 'jobs', limit, taken);
      if (taken.isAllowed) return;
      const what =
        jobs === 1 ? '' : ` These are ${jobs} at once; ${taken.remaining} more fit into this minute.`;
      throw refusal(`This key may store ${max} jobs a minute.${what}`, taken);
    };
  }
}

function nameOf({ tenant, id }: Principal): string {
  return `${tenant} ${id}`;
}

/** As the draft "RateLimit header fields for HTTP" of the IETF has it; several policies stand side by side. */
function tell(reply: FastifyReply, name: string, { max, windowMs }: WindowLimit, taken: Taken): void {
  const add = (header: string, value: string) => {
    const before = reply.getHeader(header);
    void reply.header(header, before === undefined ? value : `${String(before)}, ${value}`);
  };
  add('ratelimit-policy', `"${name}";q=${max};w=${windowMs / SECOND_MS}`);
  add('ratelimit', `"${name}";r=${taken.remaining};t=${secondsOf(taken)}`);
}

function neverFits(jobs: number, max: number, pointer: string): Problem {
  const detail = `makes ${jobs} jobs; this key may store ${max} a minute: send at most ${max} at once`;
  const errors = [{ pointer, detail, code: 'jobsPerMinute' }];
  return problem('validation_failed', { detail: 'Waiting does not help. Nothing was stored.', errors });
}

function refusal(detail: string, taken: Taken): Problem {
  return problem('rate_limited', { detail, headers: { 'Retry-After': String(secondsOf(taken)) } });
}

function secondsOf({ resetMs }: Taken): number {
  return Math.max(1, Math.ceil(resetMs / SECOND_MS));
}
