import { Injectable } from '@nestjs/common';
import { problem } from '../../platform/problems/problem-catalogue';
import { findingCountsOf } from '../../workloads/validation/finding-counts';
import {
  ValidationFindingsStore,
  type ValidationFinding,
} from '../../workloads/validation/validation-findings.store';
import { ValidationLogStore } from '../../workloads/validation/validation-log.store';
import { decodeCursor, encodeCursor, nextLink } from '../../platform/http/cursor';
import type { FindingsQueryDto, LogsQueryDto } from './validation-query.dto';
import { logView, validationPath } from './validation-view';
import type { FindingCountListDto, FindingDto, FindingListDto, ValidationLogListDto } from './validation.dto';
import { Validations } from './validations.service';

const LARGEST_ORDINAL = 2_147_483_647;

/** What a run has found and what happened to it, page by page. */
@Injectable()
export class ValidationResults {
  constructor(
    private readonly validations: Validations,
    private readonly stored: ValidationFindingsStore,
    private readonly diary: ValidationLogStore,
  ) {}

  async counts(
    id: string,
    tenant: string,
    { column, rule, severity }: FindingsQueryDto,
  ): Promise<FindingCountListDto> {
    const run = await this.validations.requireCompleted(id, tenant);
    const items = findingCountsOf(run).filter(
      (one) =>
        (column === undefined || one.column === column) &&
        (rule === undefined || one.rule === rule) &&
        (severity === undefined || one.severity === severity),
    );
    return { items: [...items], total: items.reduce((sum, { count }) => sum + count, 0) };
  }

  async findings(
    id: string,
    tenant: string,
    query: FindingsQueryDto,
  ): Promise<{ page: FindingListDto; link?: string }> {
    const { id: runId } = await this.validations.requireCompleted(id, tenant);
    const { limit, cursor } = query;
    const afterOrdinal = cursor === undefined ? -1 : integerIn(cursor, LARGEST_ORDINAL);
    const found = await this.stored.list(runId, query, { limit: limit + 1, afterOrdinal });
    const items = found.slice(0, limit);
    const next = found.length > limit ? encodeCursor([items.at(-1)!.ordinal]) : null;
    return {
      page: { items: items.map(findingView), next_cursor: next },
      ...(next !== null && { link: nextLink(`${validationPath(runId)}/errors`, query, next) }),
    };
  }

  async logs(
    id: string,
    tenant: string,
    query: LogsQueryDto,
  ): Promise<{ page: ValidationLogListDto; link?: string }> {
    const { id: runId } = await this.validations.require(id, tenant);
    const { limit, cursor, source } = query;
    const found = await this.diary.list(runId, {
      limit: limit + 1,
      ...(source !== undefined && { source }),
      ...(cursor !== undefined && { afterId: integerIn(cursor, Number.MAX_SAFE_INTEGER) }),
    });
    const items = found.slice(0, limit);
    const next = found.length > limit ? encodeCursor([items.at(-1)!.id]) : null;
    return {
      page: { items: items.map(logView), next_cursor: next },
      ...(next !== null && { link: nextLink(`${validationPath(runId)}/logs`, query, next) }),
    };
  }
}

/** PostgreSQL refuses to compare an integer with a larger number. */
function integerIn(cursor: string, largest: number): number {
  const [position] = decodeCursor(cursor, 'number');
  if (!Number.isInteger(position) || Math.abs(position) > largest) throw problem('cursor_invalid');
  return position;
}

function findingView(finding: ValidationFinding): FindingDto {
  const { rowNumber, lineNumber, columnName, rule, severity, message, value } = finding;
  return { row: rowNumber, line: lineNumber, column: columnName, rule, severity, message, value };
}
