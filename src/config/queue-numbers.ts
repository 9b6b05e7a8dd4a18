import { Matches } from 'class-validator';

/** One number for every queue, and others for some: `5`, `5,email=20` or `email=20`. */
export interface QueueNumbers {
  readonly all?: number;
  readonly of: ReadonlyMap<string, number>;
}

const pattern = /^(\d{1,6}|[A-Za-z][\w-]{0,62}=\d{1,6})(,(\d{1,6}|[A-Za-z][\w-]{0,62}=\d{1,6})){0,99}$/;

/** Marks a setting that {@link queueNumbers} reads. */
export const areQueueNumbers = (name: string) =>
  Matches(pattern, {
    message: `${name} must be a whole number, numbers of single queues, or both: 5,email=20`,
  });

/** What a setting says of the queues. Of two numbers for one queue the last one holds. */
export function queueNumbers(text: string | undefined): QueueNumbers {
  const parts = (text ?? '').split(',').filter((part) => part !== '');
  const of = new Map<string, number>();
  let all: number | undefined;
  for (const part of parts) {
    const [name = '', value] = part.split('=');
    if (value === undefined) all = Number(name);
    else of.set(name, Number(value));
  }
  return { of, ...(all !== undefined && { all }) };
}
