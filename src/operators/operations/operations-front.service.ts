import { Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/auth/principal';
import { decodeCursor, encodeCursor } from '../../platform/http/cursor';
import {
  OperationStore,
  QueueBusyError,
  type Operation,
  type OperationCounts,
} from '../../platform/operations/operation.store';
import { Operations, type OperationWish } from '../../platform/operations/operations.service';
import type { Problem } from '../../platform/problems/problem';
import { problem } from '../../platform/problems/problem-catalogue';
import type { FieldError } from '../../platform/queue/job-payload';
import { QueueRegistry } from '../../platform/queue/queue-registry.service';
import { filterOf } from '../dead-letters/dead-letters.service';
import type { OperationListQuery, StartOperationDto } from './operation-query.dto';
import type { DryRunDto, OperationDetailDto, OperationDto, OperationListDto } from './operation.dto';

export const OPERATIONS_PATH = '/api/queue/operations';
const MAX_TROUBLES = 20;
const needIds: readonly string[] = ['remove', 'promote', 'cancel'];

/** Starts bulk actions for operators, and tells how far they are. */
@Injectable()
export class OperationsFront {
  constructor(
    private readonly operations: Operations,
    private readonly store: OperationStore,
    private readonly registry: QueueRegistry,
  ) {}

  async dryRun(body: StartOperationDto, principal: Principal): Promise<DryRunDto> {
    const { targets, missing, byQueue, sample } = await this.operations.plan(this.wishOf(body, principal));
    return {
      dryRun: true,
      action: body.action,
      counts: { total: targets.length, missing: missing.length, byQueue: { ...byQueue } },
      sample: [...sample],
    };
  }

  /** Throws `operation_running` while another one sends jobs back to one of the queues. */
  async start(body: StartOperationDto, principal: Principal): Promise<OperationDto> {
    try {
      return await this.view(await this.operations.start(this.wishOf(body, principal)));
    } catch (error) {
      if (!(error instanceof QueueBusyError)) throw error;
      throw await this.running(error, principal.tenant);
    }
  }

  async list({ limit, cursor, status }: OperationListQuery, tenant: string): Promise<OperationListDto> {
    const after = cursor === undefined ? undefined : positionOf(cursor);
    const found = await this.store.list(
      { limit: limit + 1, ...(status && { status }), ...(after && { after }) },
      tenant,
    );
    const items = found.slice(0, limit);
    const counts = items.length === 0 ? new Map<string, OperationCounts>() : await this.store.counts(items);
    const last = items.at(-1);
    return {
      items: items.map((one) => operationView(one, counts.get(one.id))),
      next_cursor:
        found.length > limit && last !== undefined ? encodeCursor([last.createdAt.getTime(), last.id]) : null,
    };
  }

  async read(id: string, tenant: string): Promise<OperationDetailDto> {
    const operation = await this.require(id, tenant);
    const troubles = await this.store.troubles(id, MAX_TROUBLES);
    return {
      ...(await this.view(operation)),
      troubles: troubles.map(({ target, status, detail }) => ({ target, status, detail })),
    };
  }

  /** What has been moved stays moved. Throws `operation_ended`. */
  async abort(id: string, reason: string, by: string, tenant: string): Promise<OperationDto> {
    await this.require(id, tenant);
    const aborted = await this.store.abort(id, `Aborted by ${by}: ${reason}`);
    if (aborted === undefined) {
      const { status } = await this.require(id, tenant);
      throw problem('operation_ended', { detail: `Operation ${id} is ${status}.` });
    }
    return this.view(aborted);
  }

  private async require(id: string, tenant: string): Promise<Operation> {
    const operation = /^[\w-]{1,100}$/.test(id) ? await this.store.find(id, tenant) : undefined;
    if (operation === undefined) throw problem('operation_not_found');
    return operation;
  }

  /** Of another tenant's operation nothing is told but that it is there. */
  private async running(error: QueueBusyError, tenant: string): Promise<Problem> {
    const { queue, operation: operationId } = error;
    const isOwn = (await this.store.find(operationId, tenant)) !== undefined;
    const busy = `Another operation is sending jobs back to queue "${queue}": wait for its end.`;
    return problem(
      'operation_running',
      { detail: isOwn ? error.message : busy, members: { queue, ...(isOwn && { operationId }) } },
      error,
    );
  }

  async view(operation: Operation): Promise<OperationDto> {
    return operationView(operation, (await this.store.counts([operation])).get(operation.id));
  }

  private wishOf(body: StartOperationDto, { id: startedBy, tenant }: Principal): OperationWish {
    const errors = this.errorsOf(body);
    if (errors.length > 0) throw problem('validation_failed', { detail: errors[0]?.detail, errors });
    const { action, filter, ids, reason, rate, waves, maxFailureRatio, target, type, resetAttempts } = body;
    return {
      action,
      reason,
      startedBy,
      tenant,
      ...(filter !== undefined && { filter: filterOf(filter) }),
      ...(ids !== undefined && { ids }),
      ...(rate !== undefined && { ratePerSecond: rate }),
      ...(waves !== undefined && { usesWaves: waves }),
      ...(maxFailureRatio !== undefined && { maxFailureRatio }),
      ...(target !== undefined && { target }),
      ...(type !== undefined && { type }),
      ...(resetAttempts !== undefined && { resetAttempts }),
    };
  }

  private errorsOf({ action, filter, ids, target, type }: StartOperationDto): FieldError[] {
    const errors: FieldError[] = [];
    const wrong = (field: string, detail: string) =>
      errors.push({ pointer: `#/${field}`, detail, code: 'operation' });
    if (needIds.includes(action) && ids === undefined) wrong('ids', `must be given for "${action}"`);
    else if ((filter === undefined) === (ids === undefined)) {
      wrong('filter', 'must be given, or "ids", but not both');
    }
    if (needIds.includes(action) && filter !== undefined) wrong('filter', `is not for "${action}"`);
    if (action !== 'redrive' && (target ?? type) !== undefined) wrong('target', 'is only for "redrive"');
    if (type !== undefined && target === undefined) wrong('target', 'must be given with "type"');
    if (target !== undefined && this.registry.get(target) === undefined) {
      wrong('target', 'must be a queue that exists');
    }
    return errors;
  }
}

function operationView(operation: Operation, counts: OperationCounts | undefined): OperationDto {
  const { id, action, status, reason, startedBy, request, ratePerSecond, usesWaves, wave } = operation;
  const { detail, createdAt, finishedAt, total } = operation;
  const self = `${OPERATIONS_PATH}/${id}`;
  return {
    id,
    action,
    status,
    reason,
    startedBy,
    request,
    rate: ratePerSecond,
    wave: usesWaves ? wave : null,
    counts: { ...(counts ?? { total, success: 0, failure: 0, skipped: 0, running: 0, pending: total }) },
    detail,
    createdAt: createdAt.toISOString(),
    ...(finishedAt !== null && { finishedAt: finishedAt.toISOString() }),
    links: { self, abort: `${self}/abort` },
  };
}

function positionOf(cursor: string): { createdAt: number; id: string } {
  const [createdAt, id] = decodeCursor(cursor, 'number', 'string');
  if (!Number.isSafeInteger(createdAt) || Math.abs(createdAt) > 8.64e15 || !/^[\w-]{1,100}$/.test(id)) {
    throw problem('cursor_invalid');
  }
  return { createdAt, id };
}
