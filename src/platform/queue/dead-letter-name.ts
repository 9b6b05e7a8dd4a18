/** The queue in which the dead letters of another are shown. */
export function deadLetterQueueName(queue: string): string {
  return `${queue}_dlq`;
}

/** The key in Redis of the ids of jobs whose dead letters are shown there. */
export function letteredJobsKey(prefix: string, queue: string): string {
  return `${prefix}:${deadLetterQueueName(queue)}:jobs`;
}
