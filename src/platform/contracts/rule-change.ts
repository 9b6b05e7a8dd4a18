import { isDeepStrictEqual } from 'node:util';
import type { PlainValue } from './payload-contract';

export interface RuleChange {
  readonly isBreak: boolean;
  readonly sentence: string;
}

type Constraints = readonly PlainValue[];

// Whether everything that passed before passes now, for the rules whose constraints have an order.
const stillPasses: Readonly<Record<string, (before: Constraints, now: Constraints) => boolean>> = {
  min: ([before], [now]) => lowest(now) <= lowest(before),
  minLength: ([before], [now]) => lowest(now) <= lowest(before),
  arrayMinSize: ([before], [now]) => lowest(now) <= lowest(before),
  max: ([before], [now]) => highest(now) >= highest(before),
  maxLength: ([before], [now]) => highest(now) >= highest(before),
  arrayMaxSize: ([before], [now]) => highest(now) >= highest(before),
  isLength: isWider,
  isByteLength: isWider,
  isIn: ([before], [now]) => holdsAll(now, before),
  isEnum: ([before], [now]) => holdsAll(now, before),
  isNotIn: ([before], [now]) => holdsAll(before, now),
};

// @ValidateIf: the field's rules hold only sometimes.
const CONDITION = 'conditionalValidation';

/** How a rule differs, undefined where it does not; one whose effect cannot be told counts as a break. */
export function ruleChange(
  rule: string,
  before: Constraints | undefined,
  now: Constraints | undefined,
): RuleChange | undefined {
  if (before === undefined && now !== undefined) {
    const isBreak = !rule.startsWith(CONDITION);
    return { isBreak, sentence: `has a new rule, ${described(rule, now)}` };
  }
  if (before !== undefined && now === undefined) {
    const isBreak = rule.startsWith(CONDITION);
    return { isBreak, sentence: `has lost the rule ${described(rule, before)}` };
  }
  if (before === undefined || now === undefined || isDeepStrictEqual(before, now)) return undefined;
  const compare = stillPasses[rule.replace(/^each /, '')];
  const isBreak = compare === undefined || !compare(before, now);
  const verb = compare === undefined ? 'changes' : isBreak ? 'narrows' : 'widens';
  return { isBreak, sentence: `${verb} its rule from ${described(rule, before)} to ${described(rule, now)}` };
}

function described(rule: string, constraints: Constraints): string {
  return constraints.length === 0 ? rule : `${rule} ${JSON.stringify(constraints).slice(0, 200)}`;
}

function isWider(before: Constraints, now: Constraints): boolean {
  return lowest(now[0]) <= lowest(before[0]) && highest(now[1]) >= highest(before[1]);
}

function lowest(value: PlainValue | undefined): number {
  return typeof value === 'number' ? value : -Infinity;
}

function highest(value: PlainValue | undefined): number {
  return typeof value === 'number' ? value : Infinity;
}

function holdsAll(all: PlainValue | undefined, some: PlainValue | undefined): boolean {
  return (
    Array.isArray(all) &&
    Array.isArray(some) &&
    some.every((value) => all.some((other) => isDeepStrictEqual(other, value)))
  );
}
