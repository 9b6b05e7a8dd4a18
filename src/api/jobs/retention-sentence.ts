import { queueDefaults, type QueueDefinition } from '../../platform/queue/define-queue';

/** How long a queue keeps the jobs of one outcome, for a person to read. */
export function retentionSentence(
  { name, retention }: QueueDefinition,
  outcome: 'completed' | 'failed',
): string {
  const { ageMs, count } = retention?.[outcome] ?? queueDefaults.retention[outcome];
  return `queue "${name}" keeps its ${outcome} jobs for ${duration(ageMs)}, at most ${count} of them`;
}

function duration(ms: number): string {
  const units = [
    [86_400_000, 'days'],
    [3_600_000, 'hours'],
    [60_000, 'minutes'],
  ] as const;
  for (const [unitMs, word] of units) {
    if (ms >= 2 * unitMs && ms % unitMs === 0) return `${ms / unitMs} ${word}`;
  }
  return ms === 3_600_000 ? '1 hour' : `${Math.round(ms / 1_000)} seconds`;
}
