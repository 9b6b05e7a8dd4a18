import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsInt, IsOptional, IsString, Min } from 'class-validator';

export const DEFAULT_PAGE_LIMIT = 50;
const MAX_PAGE_LIMIT = 200;

/** The size of a page: from 1 to 200, where a larger number counts as 200. */
export function PageLimit(): PropertyDecorator {
  return applyDecorators(
    IsOptional(),
    Transform(({ value }) => toLimit(value)),
    IsInt(),
    Min(1),
  );
}

/** The page of a list that a query asks for. */
export class PageQueryDto {
  /** At most 200; a larger number counts as 200. */
  @PageLimit()
  limit: number = DEFAULT_PAGE_LIMIT;

  /** `next_cursor` of the page before. */
  @IsOptional()
  @IsString()
  cursor?: string;
}

function toLimit(value: unknown): unknown {
  return typeof value === 'string' && /^\d{1,9}$/.test(value)
    ? Math.min(Number(value), MAX_PAGE_LIMIT)
    : value;
}
