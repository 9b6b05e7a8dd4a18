import 'reflect-metadata';
import { instanceToPlain, plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import type { RuleProblem } from './rule-problem';
import { checkReferences } from './rule-set-checks';
import { RuleSetDto } from './rule-set.dto';

/** A rule set that `parseRuleSet` has accepted: plain data, safe to store as JSON and to hand to another thread. */
export type RuleSet = RuleSetDto;

// Enough to correct a rule set in a few rounds, few enough for one answer.
const maxProblems = 50;
// A rule set is flat: the deepest place is /conditions/0/when/0/values/0.
const maxDepth = 8;
const maxNodes = 50_000;
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);

/** Raised for a rule set that cannot be used; `errors` says where (JSON pointer), what and how to correct it. */
export class RuleSetError extends Error {
  override name = 'RuleSetError';

  constructor(readonly errors: RuleProblem[]) {
    const first = errors[0];
    super(
      `The rule set has ${errors.length === 1 ? 'a mistake' : `${errors.length} mistakes`}; ` +
        `the first is at ${first?.pointer || '/'}: ${first?.detail ?? 'unknown'}`,
    );
  }
}

/** Checks a rule set that came from outside, in form and in meaning; throws RuleSetError with at most 50 problems. */
export function parseRuleSet(input: unknown): RuleSet {
  const shape = shapeProblem(input);
  if (shape !== undefined) throw new RuleSetError([shape]);
  const ruleSet = plainToInstance(RuleSetDto, input);
  const errors = validateSync(ruleSet, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
    validationError: { target: false, value: false },
  });
  const problems: RuleProblem[] = [];
  collect(errors, '', problems);
  if (problems.length === 0) problems.push(...checkReferences(ruleSet));
  if (problems.length > 0) throw new RuleSetError(problems.slice(0, maxProblems));
  return instanceToPlain(ruleSet, { exposeUnsetFields: false }) as RuleSet;
}

function collect(errors: ValidationError[], path: string, problems: RuleProblem[]): void {
  for (const error of errors) {
    if (problems.length >= maxProblems) return;
    const pointer = `${path}/${error.property.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    for (const [constraint, detail] of Object.entries(error.constraints ?? {})) {
      const isUnknown = constraint === 'whitelistValidation';
      problems.push({
        pointer,
        detail: isUnknown ? `${error.property} is no part of a rule set; leave it out` : detail,
        code: isUnknown
          ? 'unknown_field'
          : constraint.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      });
    }
    collect(error.children ?? [], pointer, problems);
  }
}

/** Looks at depth and size before any library recurses into the value. */
function shapeProblem(input: unknown): RuleProblem | undefined {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return {
      pointer: '',
      detail: 'a rule set is a JSON object with name and columns',
      code: 'not_an_object',
    };
  }
  const open: { value: object; depth: number; pointer: string }[] = [{ value: input, depth: 1, pointer: '' }];
  let nodes = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.depth > maxDepth) {
      return {
        pointer: next.pointer,
        detail: `nothing lies deeper than ${maxDepth} levels`,
        code: 'too_deep',
      };
    }
    for (const [key, value] of Object.entries(next.value)) {
      const pointer = `${next.pointer}/${key.slice(0, 100)}`;
      if (forbiddenKeys.has(key))
        return { pointer, detail: 'this name cannot be used', code: 'unknown_field' };
      if (++nodes > maxNodes) return { pointer: '', detail: 'the rule set is too large', code: 'too_large' };
      // class-validator looks into lists wherever they stand, and finds nothing wrong with them.
      if (Array.isArray(value) && (Array.isArray(next.value) || key === 'severities'))
        return { pointer, detail: 'an object stands here, not a list', code: 'not_an_object' };
      if (typeof value === 'object' && value !== null) open.push({ value, depth: next.depth + 1, pointer });
    }
  }
  return undefined;
}
