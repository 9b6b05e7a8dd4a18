import { AsyncLocalStorage } from 'node:async_hooks';
import { HOME_TENANT } from '../../platform/auth/permissions';
import { maySeePayloads, type Principal } from '../../platform/auth/principal';

const visitors = new AsyncLocalStorage<Principal>();

/** Runs what answers a request to the board; the board hands its queues no request to ask. */
export function asVisitor(principal: Principal, run: () => void): void {
  visitors.run(principal, run);
}

/** Whether the board shows this visitor payloads, results, errors and logs of a queue as they are. */
export function visitorSeesPayloads(queue: string): boolean {
  return maySeePayloads(visitors.getStore(), queue);
}

/** Who has clicked, as it is noted with what they did. */
export function visitorId(): string {
  return visitors.getStore()?.id ?? 'dashboard';
}

/** Whose jobs the board shows. */
export function visitorTenant(): string {
  return visitors.getStore()?.tenant ?? HOME_TENANT;
}
