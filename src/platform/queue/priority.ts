/** Named priorities, most urgent first. */
export const priorities = ['urgent', 'high', 'normal', 'low'] as const;
export type Priority = (typeof priorities)[number];

// BullMQ runs the smallest number first, and a job without a number before all of them.
const numbers: Record<Priority, number> = { urgent: 1, high: 5, normal: 10, low: 15 };

/** The number BullMQ stores for a priority. */
export function priorityNumber(priority: Priority): number {
  return numbers[priority];
}

/** The name of a number that BullMQ stored; 0 belongs to a queue without priorities. */
export function priorityName(stored: number): Priority {
  return (
    priorities.find((name) => stored > 0 && stored <= numbers[name]) ?? (stored === 0 ? 'normal' : 'low')
  );
}

/** The name of a number as document 004 uses them: 1 to 20, larger first. */
export function priorityFromLevel(level: number): Priority {
  if (level >= 20) return 'urgent';
  if (level >= 10) return 'high';
  return level >= 5 ? 'normal' : 'low';
}
