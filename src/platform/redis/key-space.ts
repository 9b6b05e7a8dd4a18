import type { Settings } from '../../config/settings';

/** The prefix under which BullMQ keeps the queues of one domain; on a Cluster it is the domain's hash tag. */
export function queuePrefix(settings: Settings, domain: string): string {
  return settings.REDIS_CLUSTER_NODES === undefined
    ? settings.REDIS_PREFIX
    : `${settings.REDIS_PREFIX}:{${domain}}`;
}

/** A key of the platform's own, beside the queues: `<prefix>:holdfast:<name>`. */
export function platformKey(settings: Settings, name: string): string {
  return `${settings.REDIS_PREFIX}:holdfast:${name}`;
}
