import { brokerageProblems } from './brokerage-problems';
import type { CatalogueEntry } from './catalogue-entry';
import { deadLetterProblems } from './dead-letter-problems';
import { feedProblems } from './feed-problems';
import { agentProblems } from './agent-problems';
import { flowProblems } from './flow-problems';
import { fleetProblems } from './fleet-problems';
import { Problem, type ProblemOptions } from './problem';
import { mailProblems } from './mail-problems';
import { notificationProblems } from './notification-problems';
import { requestProblems } from './request-problems';
import { serverProblems } from './server-problems';
import { uploadProblems } from './upload-problems';

/** Every code an answer can carry. The pages behind `type`, the OpenAPI document and the answers read it here. */
export const problemCatalogue = {
  ...requestProblems,
  ...uploadProblems,
  ...deadLetterProblems,
  ...flowProblems,
  ...agentProblems,
  ...mailProblems,
  ...feedProblems,
  ...notificationProblems,
  ...fleetProblems,
  ...brokerageProblems,
  ...serverProblems,
};

export type ProblemCode = keyof typeof problemCatalogue;

/** A problem of the catalogue; status, title and detail come from there unless given. */
export function problem(
  code: ProblemCode,
  options: Partial<Omit<ProblemOptions, 'code'>> = {},
  cause?: unknown,
): Problem {
  const { status, title, advice }: CatalogueEntry = problemCatalogue[code];
  return new Problem({ status, title, detail: advice, ...options, code }, cause);
}

/** The entry of a code, also of one that is not in the catalogue. */
export function catalogueEntry(code: string): CatalogueEntry | undefined {
  return Object.hasOwn(problemCatalogue, code) ? problemCatalogue[code as ProblemCode] : undefined;
}

/** The path under which a code is explained. */
export function problemType(code: string): string {
  return `/problems/${code.replaceAll('_', '-')}`;
}
