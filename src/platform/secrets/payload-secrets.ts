import type { Queue } from 'bullmq';
import { MASK } from '../auth/masked.decorator';
import { isSealed, SecretUnreadableError, type SecretBox } from './secret-box';
import { secretFieldsOf } from './secret.decorator';

/** Whose payload it is, and of which type. */
export interface PayloadPlace {
  readonly tenant: string;
  readonly type: string;
}

type Payload = Record<string, unknown>;
type PayloadType = abstract new () => object;

const boxes = new WeakMap<Queue, SecretBox>();

/** From now on secret fields of the queue's payloads are sealed with the keys of this box. */
export function sealWith(queue: Queue, box: SecretBox): void {
  boxes.set(queue, box);
}

/** The payload as it may be stored; the very same object where it has no secret field. Throws where there is no key. */
export function sealed<T extends object>(
  queue: Queue,
  type: PayloadType,
  place: PayloadPlace,
  payload: T,
): T {
  const fields = secretFieldsOf(type);
  if (fields.length === 0) return payload;
  const copy: Payload = { ...(payload as Payload) };
  for (const field of fields) {
    const value = copy[field];
    if (typeof value === 'string') copy[field] = boxOf(queue).seal(value, { ...place, field });
  }
  return copy as T;
}

/**
 * A stored payload as its handler gets it, with what was sealed in it by field; also for an older version of the
 * payload, whose fields its class does not name any more. Throws SecretUnreadableError.
 */
export function openedWith<T extends object>(
  box: SecretBox | undefined,
  type: PayloadType | undefined,
  place: PayloadPlace,
  payload: T,
): { readonly payload: T; readonly secrets: readonly string[] } {
  const secrets: string[] = [];
  let copy: Payload | undefined;
  for (const [field, value] of Object.entries(payload)) {
    if (!isSealed(value)) continue;
    const isSecret = type !== undefined && secretFieldsOf(type).includes(field);
    if (box === undefined) {
      if (isSecret) throw new SecretUnreadableError(`"${field}" is sealed, and SECRETS_KEYS names no key.`);
      continue;
    }
    try {
      const text = box.open(value, { ...place, field });
      copy = { ...(copy ?? (payload as Payload)), [field]: text };
      secrets.push(text);
    } catch (error) {
      // Anybody may send a text that only looks like a sealed one, in a field that is none.
      if (isSecret) throw error;
    }
  }
  return { payload: (copy ?? payload) as T, secrets };
}

/** The same for a process that knows the queue. */
export function opened<T extends object>(
  queue: Queue,
  type: PayloadType | undefined,
  place: PayloadPlace,
  payload: T,
): T {
  return openedWith(boxes.get(queue), type, place, payload).payload;
}

/** A payload as people see it: the mask in the place of whatever is sealed. */
export function shown<T>(payload: T): T {
  if (typeof payload !== 'object' || payload === null) return payload;
  const entries = Object.entries(payload);
  if (!entries.some(([, value]) => isSealed(value))) return payload;
  return Object.fromEntries(entries.map(([field, value]) => [field, isSealed(value) ? MASK : value])) as T;
}

/** An edited payload in which the mask, where a secret field still holds it, has become what was there before. */
export function unmasked<T extends object>(type: PayloadType, edited: T, before: object): T {
  const fields = secretFieldsOf(type).filter((field) => (edited as Payload)[field] === MASK);
  if (fields.length === 0) return edited;
  return {
    ...edited,
    ...Object.fromEntries(fields.map((field) => [field, (before as Payload)[field]])),
  };
}

function boxOf(queue: Queue): SecretBox {
  const box = boxes.get(queue);
  if (box === undefined) {
    throw new Error(
      `Queue "${queue.name}" has secret fields, and SECRETS_KEYS names no key to seal them with.`,
    );
  }
  return box;
}
