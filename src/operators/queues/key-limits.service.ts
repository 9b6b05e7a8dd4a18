import { Injectable } from '@nestjs/common';
import { MAX_KEY_LENGTH, type KeyLimit } from '../../platform/key-limits/key-limit';
import {
  KeyLimitStore,
  MAX_OWN_LIMITS,
  type KeyState,
} from '../../platform/key-limits/key-limit-store.service';
import { problem } from '../../platform/problems/problem-catalogue';
import type { RegisteredQueue } from '../../platform/queue/queue-registry.service';
import type {
  KeyLimitList,
  KeyLimitsQuery,
  KeyLimitValues,
  KeyLimitView,
  SetKeyLimitDto,
} from './key-limits.dto';
import { QueueActions } from './queue-actions.service';

/** What each key of a queue may have, for operators. */
@Injectable()
export class QueueKeyLimits {
  constructor(
    private readonly actions: QueueActions,
    private readonly store: KeyLimitStore,
  ) {}

  /** Throws `queue_not_found`, `key_limits_undeclared` or `cursor_invalid`. */
  async list(queue: string, { limit, cursor }: KeyLimitsQuery): Promise<KeyLimitList> {
    const entry = this.limited(queue);
    const after = cursor === undefined ? '' : keyIn(cursor);
    const found = await this.store.page(entry, after, limit + 1);
    const keys = found.slice(0, limit);
    const last = keys.at(-1);
    return {
      defaults: valuesOf(this.store.defaults(entry)),
      keys: keys.map(viewOf),
      next_cursor: found.length > limit && last !== undefined ? cursorOf(last.key) : null,
    };
  }

  /** A key that was never seen has no jobs, and the limits of its queue. */
  async one(queue: string, key: string): Promise<KeyLimitView> {
    const entry = this.limited(queue);
    return viewOf(await this.store.state(entry, checked(key)));
  }

  /** Throws `key_limits_full` besides. */
  async set(queue: string, key: string, { rate, concurrency }: SetKeyLimitDto): Promise<KeyLimitView> {
    const entry = this.limited(queue);
    const limit = { ...(rate != null && { rate }), ...(concurrency != null && { concurrency }) };
    if (!(await this.store.set(entry, checked(key), limit))) {
      throw problem('key_limits_full', {
        detail: `${MAX_OWN_LIMITS} keys of queue "${queue}" have limits of their own already.`,
      });
    }
    return this.one(queue, key);
  }

  async remove(queue: string, key: string): Promise<KeyLimitView> {
    await this.store.remove(this.limited(queue), checked(key));
    return this.one(queue, key);
  }

  private limited(name: string): RegisteredQueue {
    const [entry] = this.actions.chosen(name);
    if (entry?.definition.keyLimits !== undefined) return entry;
    throw problem('key_limits_undeclared', {
      detail: `Queue "${name}" tells its jobs apart by no key.`,
    });
  }
}

// A key is longer than the cursors of other lists may be.
function cursorOf(key: string): string {
  return Buffer.from(key).toString('base64url');
}

function keyIn(cursor: string): string {
  const key = Buffer.from(cursor, 'base64url').toString('utf8');
  if (isKey(key) && cursorOf(key) === cursor) return key;
  throw problem('cursor_invalid');
}

function isKey(text: string): boolean {
  return text.length >= 1 && text.length <= MAX_KEY_LENGTH && text.isWellFormed();
}

function checked(key: string): string {
  if (isKey(key)) return key;
  throw problem('bad_request', {
    detail: `The key in the path must be a text of 1 to ${MAX_KEY_LENGTH} characters.`,
  });
}

function valuesOf({ rate, concurrency }: KeyLimit): KeyLimitValues {
  return { rate: rate ?? null, concurrency: concurrency ?? null };
}

function viewOf({ key, limit, isOwn, waiting, running, nextAt }: KeyState): KeyLimitView {
  return {
    key,
    own: isOwn,
    ...valuesOf(limit),
    waiting,
    running,
    nextAt: nextAt === undefined ? null : new Date(nextAt).toISOString(),
  };
}
