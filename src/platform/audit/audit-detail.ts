import type { FastifyRequest } from 'fastify';

const details = new WeakMap<FastifyRequest, object>();

/** Adds to what is noted of a request: ids and settings, never a payload or a secret. */
export function noteAuditDetail(request: FastifyRequest, detail: object): void {
  details.set(request, detail);
}

export function auditDetailOf(request: FastifyRequest): object | undefined {
  return details.get(request);
}

/** The members that differ, as they were and as they are. */
export function changeOf(before: object, after: object): { before: object; after: object } {
  const was = new Map(Object.entries(before).map(([name, value]) => [name, JSON.stringify(value)]));
  const changed = Object.entries(after)
    .filter(([name, value]) => was.get(name) !== JSON.stringify(value))
    .map(([name]) => name);
  const only = (holder: object) =>
    Object.fromEntries(Object.entries(holder).filter(([name]) => changed.includes(name)));
  return { before: only(before), after: only(after) };
}
