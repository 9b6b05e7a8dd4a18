import type { FastifyRequest } from 'fastify';
import type { QueueRegistry } from '../queue/queue-registry.service';

type Queues = string | undefined | readonly (string | undefined)[];

/** The queue that a request is about, or each of several; undefined where it names none that exists. */
export type QueueOf = (request: FastifyRequest, registry: QueueRegistry) => Queues;

/** Every queue that a request is about; undefined among them stands for all queues. */
export function queuesOf(
  queueOf: QueueOf | undefined,
  request: FastifyRequest,
  registry: QueueRegistry,
): readonly (string | undefined)[] {
  const queues = [queueOf?.(request, registry)].flat();
  return queues.length > 0 ? queues : [undefined];
}

type Named = Readonly<Record<string, unknown>> | null | undefined;

/** One and the same queue, whatever is asked. */
export const always =
  (queue: string): QueueOf =>
  () =>
    queue;

/** The queue whose name is a part of the path. */
export const ofQueueParam =
  (name = 'queue'): QueueOf =>
  ({ params }) =>
    textIn(params, name);

/** The queue that the query names, if it does. */
export const ofQueueQuery =
  (name = 'queue'): QueueOf =>
  ({ query }) =>
    textIn(query, name);

/** The queue of the job whose id is a part of the path. */
export const ofJobParam =
  (name = 'id'): QueueOf =>
  ({ params }, registry) => {
    const id = textIn(params, name);
    return id === undefined ? undefined : registry.ofJob(id)?.definition.name;
  };

/** The queue that declares the job type of the body. */
export const ofJobType =
  (name = 'type'): QueueOf =>
  ({ body }, registry) => {
    const type = textIn(body, name);
    return type === undefined ? undefined : registry.type(type)?.definition.name;
  };

/** The queues that declare the job types of the body's list `jobs`. */
export const ofJobTypes: QueueOf = ({ body }, registry) => {
  const jobs = (body as Named)?.['jobs'];
  if (!Array.isArray(jobs)) return undefined;
  const types = new Set(jobs.map((job: unknown) => textIn(job, 'type')));
  return [...types].map((type) => (type === undefined ? undefined : registry.type(type)?.definition.name));
};

/** The text of that name in a query, a body or the parameters of a path. */
export function textIn(holder: unknown, name: string): string | undefined {
  const value = (holder as Named)?.[name];
  return typeof value === 'string' ? value : undefined;
}
