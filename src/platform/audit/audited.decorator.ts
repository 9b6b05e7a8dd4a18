import { applyDecorators } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { routeConfig } from '../http/route-config.decorator';
import { ApiProblems } from '../problems/api-problems.decorator';

/** `always`: refused without one. `by setting`: only with AUDIT_REASON_REQUIRED, because a document names no reason. */
export type ReasonRule = 'always' | 'by setting' | 'never';

/** What is noted of each use of a route. */
export interface RouteAudit {
  /** Noun and verb: `keys.revoke`. */
  readonly action: string;
  readonly reason: ReasonRule;
  readonly origin?: 'api' | 'dashboard';
  /** Says why a route that changes something is not audited. */
  readonly exempt?: string;
}

interface RouteWithAudit {
  readonly audit?: RouteAudit;
}

/** Notes each use of a route that changes something: who, what, when, why, and what became of it. */
export const Audited = (action: string, { reason = 'never' }: { readonly reason?: ReasonRule } = {}) =>
  applyDecorators(
    routeConfig({ audit: { action, reason } } satisfies RouteWithAudit),
    ...(reason === 'never'
      ? []
      : [
          ApiQuery({
            name: 'reason',
            required: reason === 'always',
            schema: { type: 'string', minLength: 3, maxLength: 500 },
            description: 'Why; kept in the audit.',
          }),
          ApiProblems('reason_required'),
        ]),
  );

/** A route that changes something and has its trace elsewhere; the text says where. */
export const NotAudited = (exempt: string): MethodDecorator =>
  routeConfig({ audit: { action: '', reason: 'never', exempt } } satisfies RouteWithAudit);

/** What a request's route says of its audit; undefined where it says nothing. */
export function auditOf(request: Pick<FastifyRequest, 'routeOptions'>): RouteAudit | undefined {
  return auditOfConfig(request.routeOptions?.config);
}

export function auditOfConfig(config: unknown): RouteAudit | undefined {
  return (config as RouteWithAudit | undefined)?.audit;
}

/** A route's configuration with its audit put in; for routes that no decorator reaches. */
export function withAudit(config: object, audit: RouteAudit): object {
  return { ...config, audit };
}
