import type { Database } from '../database/database.service';
import type { EffectOwner } from './effect-owner';

/** The first step of a job's first start, as it is claimed. */
export interface FirstStep {
  readonly owner: EffectOwner;
  readonly step: string;
}

/** A step that has happened, as it is settled. */
export interface PerformedStep extends FirstStep {
  readonly life: number;
  /** JSON. */
  readonly result: string | null;
}

type Statements = Pick<Database, 'statement'>;

// In the order of their ids, so that two statements never wait for each other.
const CLAIM = `
WITH claim AS (
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::int[], $4::bigint[], $5::text[])
    AS claim (job_id, created_at, starts, started_at, step)
), fence AS (
  INSERT INTO effect_fences (job_id, life, job_created_at, starts, started_at)
  SELECT job_id, created_at, created_at, starts, started_at FROM claim ORDER BY job_id
  ON CONFLICT (job_id) DO NOTHING
  RETURNING job_id, life
)
INSERT INTO effects (job_id, step, life, state, starts)
SELECT job_id, step, life, 'claimed', starts FROM fence JOIN claim USING (job_id)
RETURNING job_id, life`;

// A fence that somebody holds is passed over: he may hold it for seconds, and the other steps do not wait for that.
// The cleaner goes by the last start, which touched the fence: settling leaves it, and its index, alone.
const SETTLE = `
WITH performed AS (
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::int[], $4::bigint[], $5::text[], $6::bigint[], $7::text[])
    AS performed (job_id, created_at, starts, started_at, step, life, result)
), held AS (
  SELECT performed.* FROM effect_fences AS fence JOIN performed USING (job_id)
  WHERE fence.life = performed.life AND fence.job_created_at = performed.created_at
    AND fence.starts = performed.starts AND fence.started_at = performed.started_at
  FOR UPDATE OF fence SKIP LOCKED
)
UPDATE effects AS step SET state = 'done', result = held.result, starts = held.starts, written_at = now()
FROM held
WHERE step.job_id = held.job_id AND step.step = held.step AND step.life = held.life
RETURNING step.job_id, step.life`;

/**
 * Claims the first steps of the first starts of jobs in one statement; answers with the life of each. Undefined, and
 * nothing written, for a job that has a fence already: then only `takeStep` can tell who may go on.
 */
export async function claimFirstSteps(
  database: Statements,
  steps: readonly FirstStep[],
): Promise<readonly (number | undefined)[]> {
  const firsts = firstOfEachJob(steps);
  const lives = await livesOf(database, CLAIM, columnsOf([...firsts]));
  return steps.map((one) => (firsts.has(one) ? lives.get(one.owner.jobId) : undefined));
}

/**
 * Settles claimed steps in one statement. False, and no step written, unless the fence is still that of exactly this
 * start, and nobody holds it.
 */
export async function settleSteps(
  database: Statements,
  steps: readonly PerformedStep[],
): Promise<readonly boolean[]> {
  const firsts = firstOfEachJob(steps);
  const rows = [...firsts];
  const columns = [...columnsOf(rows), rows.map(({ life }) => life), rows.map(({ result }) => result)];
  const lives = await livesOf(database, SETTLE, columns);
  return steps.map((one) => firsts.has(one) && lives.has(one.owner.jobId));
}

function columnsOf(steps: readonly FirstStep[]): unknown[][] {
  return [
    steps.map(({ owner }) => owner.jobId),
    steps.map(({ owner }) => owner.createdAt),
    steps.map(({ owner }) => owner.starts),
    steps.map(({ owner }) => owner.startedAt),
    steps.map(({ step }) => step),
  ];
}

async function livesOf(
  database: Statements,
  statement: string,
  columns: readonly unknown[][],
): Promise<ReadonlyMap<string, number>> {
  const rows = await database.statement<{ job_id: string; life: string }>(statement, columns);
  return new Map(rows.map(({ job_id, life }) => [job_id, Number(life)]));
}

// A statement sees what was there before it: of two steps of one job it could not tell which comes first.
function firstOfEachJob<T extends FirstStep>(steps: readonly T[]): ReadonlySet<T> {
  const byJob = new Map<string, T>();
  for (const one of steps) if (!byJob.has(one.owner.jobId)) byJob.set(one.owner.jobId, one);
  return new Set(byJob.values());
}
