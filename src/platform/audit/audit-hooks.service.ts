import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Settings } from '../../config/settings';
import { HOME_TENANT } from '../auth/permissions';
import { LocalWindows } from '../limits/local-windows';
import { problem } from '../problems/problem-catalogue';
import { auditDetailOf } from './audit-detail';
import type { AuditEntry } from './audit-entry';
import { AuditSpool } from './audit-spool.service';
import { auditOf, type RouteAudit } from './audited.decorator';
import type { AuditOutcome } from './audit.tables';

const MAX_FIELDS = 20;
const REASON_CHARACTERS = { least: 3, most: 500 };
// Whoever is refused again and again must not fill the chain.
const REFUSALS_NOTED = { max: 30, windowMs: 60_000 };

interface Begun {
  readonly entry: AuditEntry;
  readonly spoolId?: string;
}

/** Notes what is done over HTTP, on the API and on the dashboard alike. */
@Injectable()
export class AuditHooks {
  private readonly begun = new WeakMap<FastifyRequest, Begun>();
  private readonly refusals = new LocalWindows();

  constructor(
    private readonly spool: AuditSpool,
    private readonly settings: Settings,
  ) {}

  /** Call it before the routes are there. */
  install(instance: FastifyInstance): void {
    instance.addHook('preHandler', (request) => this.begin(request));
    instance.addHook('onResponse', (request, reply, done) => {
      done();
      void this.end(request, reply);
    });
  }

  private async begin(request: FastifyRequest): Promise<void> {
    const audit = auditOf(request);
    if (audit === undefined || audit.exempt !== undefined) return;
    this.requireReason(request, audit);
    const entry = entryOf(request, audit);
    const spoolId = await this.spool.begin(entry);
    this.begun.set(request, { entry, ...(spoolId !== undefined && { spoolId }) });
  }

  private async end(request: FastifyRequest, { statusCode: status }: FastifyReply): Promise<void> {
    const audit = auditOf(request);
    if (audit === undefined || audit.exempt !== undefined) return;
    const begun = this.begun.get(request);
    if (begun === undefined && !this.isWorthNoting(request, status)) return;
    const detail = auditDetailOf(request);
    await this.spool.end(
      {
        ...(begun?.entry ?? entryOf(request, audit)),
        // Who logs in is known only now.
        ...actorOf(request),
        outcome: outcomeOf(status),
        status,
        ...(detail !== undefined && { detail: JSON.stringify(detail) }),
      },
      begun?.spoolId,
    );
  }

  /** Of what never began: only that somebody who is known was not allowed to. */
  private isWorthNoting({ principal }: FastifyRequest, status: number): boolean {
    if (principal === undefined || status !== 403) return false;
    return this.refusals.take(`${principal.tenant} ${principal.id}`, REFUSALS_NOTED, 1).isAllowed;
  }

  private requireReason(request: FastifyRequest, { reason: rule, origin }: RouteAudit): void {
    if (rule === 'never') return;
    const isNeeded = rule === 'always' || (rule === 'by setting' && this.settings.AUDIT_REASON_REQUIRED);
    const reason = reasonOf(request);
    const { least, most } = REASON_CHARACTERS;
    if (reason === undefined ? !isNeeded : isReason(reason)) return;
    if (origin === 'dashboard') {
      throw problem('reason_required', {
        detail: 'AUDIT_REASON_REQUIRED is set, and the dashboard cannot ask for a reason: use the API.',
      });
    }
    const detail = `must be ${least} to ${most} characters that say why`;
    throw problem('reason_required', { errors: [{ pointer: '?reason', detail, code: 'reason' }] });
  }
}

function entryOf(request: FastifyRequest, { action, origin = 'api' }: RouteAudit): AuditEntry {
  const { params, body, id } = request;
  const fields = typeof body === 'object' && body !== null ? Object.keys(body).slice(0, MAX_FIELDS) : [];
  const named = Object.values((params ?? {}) as Record<string, unknown>).filter(
    (one) => typeof one === 'string',
  );
  return {
    at: Date.now(),
    ...actorOf(request),
    origin,
    action,
    target: named.length > 0 ? named.join('/') : null,
    reason: reasonOf(request) ?? null,
    // Names only: values may be payload.
    detail: fields.length > 0 ? JSON.stringify({ fields }) : null,
    outcome: 'unknown',
    status: null,
    requestId: id,
  };
}

function actorOf({ principal }: FastifyRequest): Pick<AuditEntry, 'tenant' | 'actor' | 'role'> {
  const { tenant = HOME_TENANT, id: actor = 'nobody', role = null } = principal ?? {};
  return { tenant, actor, role };
}

function reasonOf({ query, body }: FastifyRequest): string | undefined {
  for (const holder of [query, body]) {
    const reason = (holder as { reason?: unknown } | null | undefined)?.reason;
    if (typeof reason === 'string') return reason.trim();
  }
  return undefined;
}

function isReason(text: string): boolean {
  const { least, most } = REASON_CHARACTERS;
  return text.length >= least && text.length <= most;
}

function outcomeOf(status: number): AuditOutcome {
  if (status < 400) return 'done';
  return status < 500 ? 'refused' : 'failed';
}
