import { Injectable } from '@nestjs/common';
import { RedisConnections } from '../redis/redis-connections.service';
import { isAway, isOutcomeUnknown, refusalOf } from '../redis/redis-unavailable.error';
import { passGate } from '../queue/add-gate';
import { JobKeyConflictError, prepareJob, type AddOptions } from '../queue/add-job';
import { tellOfAdd, type AddOutcome } from '../queue/add-observer';
import { deduplicationMs } from '../queue/define-queue';
import { UnknownJobTypeError } from '../queue/job-dispatcher.service';
import { jobId } from '../queue/job-id';
import { knownJobKey, knownJobOf, knownJobText, payloadFingerprint } from '../queue/known-job';
import { QueueRegistry, type RegisteredJobType } from '../queue/queue-registry.service';
import { EnqueueOutcomeUnknownError, type PreparedJob } from '../queue/store-jobs';
import { FlowRefusedError, placedNodes, type FlowNode, type PlacedNode } from './flow-node';
import { STORE_FLOW } from './store-flow-script';

export interface FlowOptions extends Pick<AddOptions, 'tenant' | 'caller' | 'correlationId' | 'isPromised'> {
  /** The same key is the same flow. */
  readonly key: string;
}

/** A job of a flow, as it will be called in Redis. */
export interface FlowMember extends PlacedNode {
  readonly id: string;
  readonly known: RegisteredJobType;
}

interface Settled extends FlowMember {
  readonly job: PreparedJob;
}

type Reply = 1 | readonly (string | null)[];

/** Adds whole flows to Redis, each in one step; a flow that is there already stays as it is. */
@Injectable()
export class FlowAdder {
  constructor(
    private readonly registry: QueueRegistry,
    private readonly connections: RedisConnections,
  ) {}

  /** The jobs of a flow with their ids, the root first. Throws {@link FlowRefusedError} or UnknownJobTypeError. */
  members(root: FlowNode, { key, tenant = 'default' }: FlowOptions): readonly FlowMember[] {
    const members = placedNodes(root).map((placed) => {
      const known = this.registry.type(placed.node.type);
      if (known === undefined) {
        throw new UnknownJobTypeError(
          placed.node.type,
          this.registry.types().map(({ type }) => type),
        );
      }
      const name = placed.path === '' ? key : `${key}\0${placed.path}`;
      return { ...placed, known, id: jobId(known.definition.name, name, tenant) };
    });
    // A flow moves between its queues in one step, which a Redis Cluster allows within a slot only.
    const domains = new Set(members.map(({ known }) => known.definition.domain));
    if (domains.size === 1) return members;
    throw new FlowRefusedError(
      `The queues of a flow belong to one domain, not to ${[...domains].join(' and ')}: send the rest from a job of the flow.`,
    );
  }

  /**
   * Checks every payload, then stores all jobs or none; resolves with the id of the root, and whether it is new.
   * Throws what {@link members} and prepareJob throw, what the gate of a queue throws, JobKeyConflictError,
   * EnqueueOutcomeUnknownError or the error of Redis.
   */
  async add(root: FlowNode, options: FlowOptions): Promise<{ readonly id: string; readonly isNew: boolean }> {
    const members = this.members(root, options);
    const [{ id }] = members as [FlowMember];
    const settled = await Promise.all(members.map((member) => settle(member, id, options)));
    const tell = (outcome: AddOutcome) =>
      settled.forEach(({ known, job }) => tellOfAdd(known.queue, job.type, outcome));
    try {
      this.passGates(settled);
      const reply = await this.store(settled, options.isPromised === true);
      const isNew = reply === 1;
      if (!isNew) refuseConflict(settled, reply);
      tell(isNew ? 'accepted' : 'deduplicated');
      return { id, isNew };
    } catch (error) {
      tell(error instanceof EnqueueOutcomeUnknownError ? 'unknown' : 'refused');
      throw error;
    }
  }

  private passGates(settled: readonly Settled[]): void {
    for (const queue of new Set(settled.map(({ known }) => known.queue))) {
      const own = settled.filter(({ known }) => known.queue === queue);
      passGate(
        queue,
        own.map(({ known: { definition }, job: { json, priority } }) => ({
          definition,
          priority,
          bytes: json.length,
        })),
      );
    }
  }

  private async store(settled: readonly Settled[], isPromised: boolean): Promise<Reply> {
    this.connections.assertReady();
    const { producer } = this.connections;
    const wasConnected = producer.status === 'ready';
    try {
      const [root] = settled as [Settled];
      const keys = [keyOf(root), knownJobKey(root.known.queue.opts.prefix ?? 'bull', root.id)];
      return (await producer.eval(
        STORE_FLOW,
        keys.length,
        ...keys,
        noteOf(root),
        lifeOf(root) * (isPromised ? -1 : 1),
        ...settled.flatMap((one) => argumentsOf(one, settled)),
      )) as Reply;
    } catch (error) {
      const isLost = wasConnected && isAway(error) && refusalOf(error) === undefined;
      if (isOutcomeUnknown(error) || isLost) throw new EnqueueOutcomeUnknownError(error);
      throw error;
    }
  }
}

async function settle(member: FlowMember, flow: string, options: FlowOptions): Promise<Settled> {
  const { node, path, known, id } = member;
  const { tenant, caller, correlationId, isPromised, key } = options;
  const children = node.children?.length ?? 0;
  const job = await prepareJob(known.definition, known.queue, node.type, node.payload, {
    ...node.options,
    ...(tenant !== undefined && { tenant }),
    ...(caller !== undefined && { caller }),
    ...(correlationId !== undefined && { correlationId }),
    ...(isPromised !== undefined && { isPromised }),
    // The root stands for the whole flow, so that it alone carries the key.
    ...(path === '' ? { key } : { id }),
    flow: { id: flow, path, ...(children > 0 && { children }) },
  });
  return { ...member, job };
}

function keyOf({ known: { queue, definition }, id }: FlowMember): string {
  return `${queue.opts.prefix}:${definition.name}:${id}`;
}

function noteOf({ job: { type, json, createdAt } }: Settled): string {
  return knownJobText({ fingerprint: payloadFingerprint(type, json), createdAt, type });
}

function lifeOf({ known: { definition }, job: { options } }: Settled): number {
  return (options.delay ?? 0) + deduplicationMs(definition);
}

function argumentsOf(one: Settled, settled: readonly Settled[]): (string | number)[] {
  const { job, node, known, parent } = one;
  const base = `${known.queue.opts.prefix}:${known.definition.name}:`;
  const above = parent === undefined ? undefined : settled.find(({ path }) => path === parent);
  const isFatal = node.onFailure !== 'degrades-parent';
  // The short names are what BullMQ itself stores: fail the parent on failure, or ignore the dependency.
  const policy = isFatal ? { fpof: true } : { idof: true };
  const queueKey = above === undefined ? '' : keyOf(above).slice(0, -above.id.length - 1);
  const options =
    above === undefined
      ? job.options
      : { ...job.options, ...policy, parent: { id: above.id, queue: queueKey } };
  const { delay = 0, priority = 0 } = job.options;
  return [
    base,
    job.id,
    job.type,
    job.json,
    JSON.stringify(options),
    job.createdAt,
    delay,
    priority,
    above === undefined ? '' : JSON.stringify({ id: above.id, queueKey, ...policy }),
    (node.children?.length ?? 0) > 0 ? 1 : 0,
  ];
}

/** A job in the way, or a root with another payload, is somebody else's. */
function refuseConflict([root]: readonly Settled[], reply: readonly (string | null)[]): void {
  const [first, second] = reply;
  if (first === 'taken') throw new JobKeyConflictError(second ?? '');
  if (root === undefined) return;
  const known = reply.length === 1 ? knownJobOf(first ?? '')?.fingerprint : fingerprintOf(reply);
  const { type, json } = root.job;
  if (known !== undefined && known !== payloadFingerprint(type, json)) throw new JobKeyConflictError(root.id);
}

function fingerprintOf([type, data]: readonly (string | null)[]): string | undefined {
  try {
    return payloadFingerprint(type ?? '', data ?? '');
  } catch {
    return undefined;
  }
}
