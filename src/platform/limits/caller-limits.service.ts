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

/** Takes the right to store so many jobs, or throws `rate_limited`; call it once for all that are stored together. */
export type JobQuota = (jobs: number) => Promise<void>;

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
    return async (jobs) => {
      if (jobs === 0) return;
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

function refusal(detail: string, taken: Taken): Problem {
  return problem('rate_limited', { detail, headers: { 'Retry-After': String(secondsOf(taken)) } });
}

function secondsOf({ resetMs }: Taken): number {
  return Math.max(1, Math.ceil(resetMs / SECOND_MS));
}
