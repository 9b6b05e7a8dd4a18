import { Injectable } from '@nestjs/common';
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { parseRuleSet, RuleSetError, type RuleSet } from '../../integrations/csv/rule-set';
import { Database } from '../../platform/database/database.service';
import { Problem } from '../../platform/problems/problem';
import { ruleSets } from './validation.tables';

export type StoredRuleSet = typeof ruleSets.$inferSelect;

const MAX_ERRORS = 20;
// As RuleSetDto demands it of every rule set that is stored.
const nameShape = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** The rule set itself, once it is known to be usable. Throws a 422 whose pointers begin with `at`. */
export function acceptRuleSet(input: unknown, at: string): RuleSet {
  try {
    const ruleSet = parseRuleSet(input);
    const unstorable = pointerToUnstorable(ruleSet);
    if (unstorable === undefined) return ruleSet;
    const detail = 'must not have a NUL or half a character in it';
    throw new RuleSetError([{ pointer: unstorable, detail, code: 'text_invalid' }]);
  } catch (error) {
    throw error instanceof RuleSetError ? refusalOf(error, at) : error;
  }
}

function refusalOf(error: RuleSetError, at: string): Problem {
  const { errors } = error;
  return new Problem(
    {
      status: 422,
      code: 'rule_set_invalid',
      title: 'The rule set cannot be used',
      detail: errors.length === 1 ? '1 entry is wrong.' : `${errors.length} entries are wrong.`,
      errors: errors.slice(0, MAX_ERRORS).map((entry) => ({ ...entry, pointer: `${at}${entry.pointer}` })),
    },
    error,
  );
}

/** PostgreSQL's JSON takes every text but these; the first place of one, or undefined. */
function pointerToUnstorable(value: unknown, pointer = ''): string | undefined {
  if (typeof value === 'string') return /[\0\p{Cs}]/u.test(value) ? pointer : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, child] of Object.entries(value)) {
    const found = pointerToUnstorable(child, `${pointer}/${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The named rule sets. */
@Injectable()
export class RuleSetStore {
  constructor(private readonly database: Database) {}

  /** Stores a rule set under its name; a name that is taken gets a new version. */
  async save(definition: RuleSet, tenant = 'default'): Promise<StoredRuleSet> {
    const [saved] = await this.database.query
      .insert(ruleSets)
      .values({ tenant, name: definition.name, definition })
      .onConflictDoUpdate({
        target: [ruleSets.tenant, ruleSets.name],
        set: { definition, version: sql`${ruleSets.version} + 1`, updatedAt: sql`now()` },
      })
      .returning();
    return saved!;
  }

  async find(name: string, tenant = 'default'): Promise<StoredRuleSet | undefined> {
    if (!nameShape.test(name)) return undefined;
    const [found] = await this.database.query
      .select()
      .from(ruleSets)
      .where(and(eq(ruleSets.tenant, tenant), eq(ruleSets.name, name)));
    return found;
  }

  /** By name, without the definitions. */
  async list(
    { limit, afterName = '' }: { limit: number; afterName?: string },
    tenant = 'default',
  ): Promise<Omit<StoredRuleSet, 'definition'>[]> {
    const { tenant: owner, name, version, createdAt, updatedAt } = ruleSets;
    return this.database.query
      .select({ tenant: owner, name, version, createdAt, updatedAt })
      .from(ruleSets)
      .where(and(eq(ruleSets.tenant, tenant), gt(ruleSets.name, afterName)))
      .orderBy(asc(ruleSets.name))
      .limit(limit);
  }

  /** False when there is none of this name. */
  async remove(name: string, tenant = 'default'): Promise<boolean> {
    if (!nameShape.test(name)) return false;
    const removed = await this.database.query
      .delete(ruleSets)
      .where(and(eq(ruleSets.tenant, tenant), eq(ruleSets.name, name)))
      .returning({ name: ruleSets.name });
    return removed.length > 0;
  }
}
