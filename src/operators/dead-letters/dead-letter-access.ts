import { textIn, type QueueOf } from '../../platform/auth/queue-of';
import { deadLetterQueueName } from '../../platform/queue/dead-letter-name';
import { queueOfJobId } from '../../platform/queue/job-id';

/** What only `payloads:read` shows of one dead letter. */
export const hiddenOfDeadLetter = [
  'payload',
  'editedPayload',
  'error.message',
  'error.stack',
  'history.*.error.message',
] as const;

/** The queue that a list asks for, under either of its names. */
export const ofListQuery: QueueOf = ({ query }) => textIn(query, 'queue') ?? textIn(query, 'originQueue');

/** The queue whose dead letter the path names. */
export const ofDeadLetter: QueueOf = ({ params }, registry) => {
  const shown = queueOfJobId(textIn(params, 'id') ?? '');
  return registry.all().find(({ definition }) => deadLetterQueueName(definition.name) === shown)?.definition
    .name;
};

/** That queue, and the one that is to take the job instead. */
export const ofRedrive: QueueOf = (request, registry) => {
  const own = ofDeadLetter(request, registry) as string | undefined;
  const target = textIn(request.body, 'target');
  return target === undefined ? own : [own, target];
};
