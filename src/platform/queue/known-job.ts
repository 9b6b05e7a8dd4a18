import { withoutNonces } from '../secrets/secret-box';
import { canonicalJson, fingerprintOf } from './canonical-json';

/**
 * What is remembered of a job that a caller has named, beside the job and longer than it:
 * `<fingerprint> <created at> <state> <type>`, the state being `-` while the job itself can be asked.
 */
export interface KnownJob {
  readonly fingerprint: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly type: string;
  /** How the job had ended when retention removed it. */
  readonly ended?: 'completed' | 'failed';
}

/** Equal for the same type and payload, whatever the order and spelling of its members. */
export function payloadFingerprint(type: string, json: string): string {
  return fingerprintOf(type, canonicalJson(JSON.parse(withoutNonces(json))));
}

export function knownJobText({ fingerprint, createdAt, type, ended }: KnownJob): string {
  return `${fingerprint} ${createdAt} ${ended ?? '-'} ${type}`;
}

/** Undefined for a text that {@link knownJobText} cannot have made. */
export function knownJobOf(text: string): KnownJob | undefined {
  const [, fingerprint, createdAt, state, type] = /^(\S+) (\d+) (-|completed|failed) (.*)$/s.exec(text) ?? [];
  if (fingerprint === undefined || type === undefined) return undefined;
  const ended = state === 'completed' || state === 'failed' ? { ended: state } : {};
  return { fingerprint, createdAt: Number(createdAt), type, ...(ended as Pick<KnownJob, 'ended'>) };
}

/** The key under which a job is remembered; on a Cluster in the slot of its queue. */
export function knownJobKey(queuePrefix: string, id: string): string {
  return `${knownJobBase(queuePrefix)}${id}`;
}

export function knownJobBase(queuePrefix: string): string {
  return `${queuePrefix}:holdfast:known:`;
}
