import { Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/auth/principal';
import { Database } from '../../platform/database/database.service';
import { Flows } from '../../platform/flows/flows.service';
import { encodeCursor, nextLink, timePlaceIn } from '../../platform/http/cursor';
import type { JobQuota } from '../../platform/limits/caller-limits.service';
import { problem } from '../../platform/problems/problem-catalogue';
import { nextIdSeed } from '../../platform/queue/id-seed';
import { JobCancellation } from '../../platform/worker/job-cancellation.service';
import { charterRequestId } from '../../workloads/agents/charter-request-id';
import {
  CharterRequests,
  PROPOSAL_TARGET_MS,
  type CharterPosition,
} from '../../workloads/agents/charter-requests.store';
import { charterStatuses, type CharterRequestRow } from '../../workloads/agents/charter.tables';
import { Proposals } from '../../workloads/agents/proposals.store';
import { charterEntry, charterView, CHARTER_PATH } from './charter-request-view';
import type {
  CharterAnswerDto,
  CharterCountsDto,
  CharterFiguresDto,
  CharterRequestDto,
  CharterRequestListDto,
  CharterRequestListQueryDto,
  NewCharterRequestDto,
} from './charter-request.dto';

const HOUR_MS = 3_600_000;
const nameable = /^[A-Za-z0-9_.:-]{1,100}$/;

/** Takes charter requests and their answers, and tells how far they are. */
@Injectable()
export class CharterRequestsApi {
  constructor(
    private readonly database: Database,
    private readonly requests: CharterRequests,
    private readonly proposals: Proposals,
    private readonly flows: Flows,
    private readonly cancellation: JobCancellation,
  ) {}

  async create(
    wish: NewCharterRequestDto,
    principal: Principal,
    quota: JobQuota,
  ): Promise<CharterRequestRow> {
    this.database.assertReady();
    await quota(1);
    const { message, clientEmail, clientName, userId, priority, timeZone } = wish;
    return this.requests.create({
      id: charterRequestId(nextIdSeed()),
      tenant: principal.tenant,
      caller: principal.id,
      userId: userId ?? principal.id,
      message,
      priority: priority ?? 'normal',
      timeZone: timeZone ?? 'UTC',
      ...(clientEmail != null && { clientEmail }),
      ...(clientName != null && { clientName }),
    });
  }

  /** Throws `charter_request_not_found`. */
  async require(id: string, tenant: string): Promise<CharterRequestRow> {
    this.database.assertReady();
    const row = nameable.test(id) ? await this.requests.find(id, tenant) : undefined;
    if (row === undefined) throw problem('charter_request_not_found');
    return row;
  }

  async view(row: CharterRequestRow): Promise<CharterRequestDto> {
    return charterView(row, await this.proposals.ofRequest(row.id, row.tenant));
  }

  async list(
    query: CharterRequestListQueryDto,
    tenant: string,
  ): Promise<{ readonly page: CharterRequestListDto; readonly link?: string }> {
    this.database.assertReady();
    const { limit, cursor, status } = query;
    const after = cursor === undefined ? undefined : positionIn(cursor);
    const found = await this.requests.list({
      tenant,
      limit: limit + 1,
      ...(status != null && { status }),
      ...(after !== undefined && { after }),
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next =
      found.length > limit && last !== undefined ? encodeCursor([last.createdAt.getTime(), last.id]) : null;
    const page = { items: items.map(charterEntry), next_cursor: next };
    return next === null ? { page } : { page, link: nextLink(CHARTER_PATH, query, next) };
  }

  /** Throws problems for a request that waits for nothing, and for answers to what was not asked. */
  async answer(
    id: string,
    tenant: string,
    answers: readonly CharterAnswerDto[],
    quota: JobQuota,
  ): Promise<CharterRequestRow> {
    const known = await this.require(id, tenant);
    refuseAnswers(known, answers);
    await quota(1);
    const taken = await this.requests.answer(
      id,
      tenant,
      answers.map(({ field, answer }) => ({ field, answer })),
    );
    if (taken === undefined) throw problem('charter_request_not_found');
    if (!taken.isTaken) refuseAnswers(taken.row, answers);
    return taken.row;
  }

  /** Throws `charter_request_ended`. Whatever of it runs is told to stop. */
  async cancel(id: string, { tenant, id: by }: Principal, reason: string): Promise<CharterRequestRow> {
    const before = await this.require(id, tenant);
    const row = await this.requests.cancel(before.id, tenant);
    if (row === undefined) throw problem('charter_request_ended', { detail: `It is ${before.status}.` });
    await this.cancellation.cancel(row.jobId, { reason, by });
    const flow = row.flowId === null ? undefined : await this.flows.find(row.flowId, tenant);
    if (flow !== undefined) await this.flows.cancel(flow, { reason, by });
    return row;
  }

  async figures(hours: number, tenant: string): Promise<CharterFiguresDto> {
    this.database.assertReady();
    const figures = await this.requests.figures(tenant, new Date(Date.now() - hours * HOUR_MS));
    const none = Object.fromEntries(
      charterStatuses.map((status) => [status, 0]),
    ) as unknown as CharterCountsDto;
    return {
      ...figures,
      hours,
      counts: { ...none, ...figures.counts },
      targetMs: PROPOSAL_TARGET_MS,
    };
  }
}

function positionIn(cursor: string): CharterPosition {
  const { at, id } = timePlaceIn(cursor, (text) => nameable.test(text));
  return { createdAt: at, id };
}

function refuseAnswers({ status, missing }: CharterRequestRow, answers: readonly CharterAnswerDto[]): void {
  if (status !== 'needs_information') {
    throw problem('charter_request_asks_nothing', { detail: `It is ${status}.` });
  }
  const asked = missing.map(({ field }) => field);
  const errors = answers.flatMap(({ field }, at) =>
    asked.includes(field)
      ? []
      : [
          {
            pointer: `#/answers/${at}/field`,
            detail: `must be one of ${asked.join(', ')}`,
            code: 'not_asked',
          },
        ],
  );
  if (errors.length > 0) {
    throw problem('validation_failed', { detail: 'Nobody has asked for this.', errors });
  }
}
