import { Injectable } from '@nestjs/common';
import type { Vapid } from '../../config/push-settings';
import { Settings } from '../../config/settings';
import { HttpClient } from '../../platform/http-client/http-client.service';
import { OutboundError } from '../../platform/http-client/outbound-error';
import { problem } from '../../platform/problems/problem-catalogue';
import type { FieldError } from '../../platform/queue/job-payload';
import { SecretKeysMissingError } from '../../platform/secrets/secrets.service';
import { PushSubscriptions } from '../../workloads/tasks/push-subscriptions.store';
import type { PushSubscription } from '../../workloads/tasks/push-subscriptions.tables';
import type { Principal } from '../../platform/auth/principal';
import type { NewPushSubscriptionDto, PushSubscriptionDto } from './push-subscription.dto';

/** Takes subscriptions that this server can send to, and no others. */
@Injectable()
export class PushRegistry {
  constructor(
    private readonly settings: Settings,
    private readonly client: HttpClient,
    private readonly subscriptions: PushSubscriptions,
  ) {}

  /** Throws `push_not_configured`. */
  get vapid(): Vapid {
    const { vapid } = this.settings;
    if (vapid === undefined) throw problem('push_not_configured');
    return vapid;
  }

  /** Throws `push_not_configured`, `validation_failed`, or `secrets_unavailable`. */
  async put(
    { userId, endpoint: given, expirationTime, keys }: NewPushSubscriptionDto,
    { tenant, id: createdBy }: Pick<Principal, 'tenant' | 'id'>,
    now = Date.now(),
  ): Promise<{ readonly subscription: PushSubscription; readonly isNew: boolean }> {
    const { publicKey: vapidKey } = this.vapid;
    // One spelling for what is one address, so that it is one row.
    const endpoint = new URL(given).href;
    const errors = [...this.faultsOf(endpoint), ...faultsOfEnd(expirationTime, now)];
    if (errors.length > 0) throw problem('validation_failed', { errors });
    const expiresAt = expirationTime == null ? null : new Date(expirationTime);
    try {
      return await this.subscriptions.put({
        tenant,
        userId,
        endpoint,
        keys,
        vapidKey,
        expiresAt,
        createdBy,
      });
    } catch (error) {
      throw error instanceof SecretKeysMissingError ? problem('secrets_unavailable', {}, error) : error;
    }
  }

  view({
    id,
    userId,
    service,
    vapidKey,
    expiresAt,
    createdAt,
    renewedAt,
  }: PushSubscription): PushSubscriptionDto {
    return {
      id,
      userId,
      service,
      usable: vapidKey === this.settings.vapid?.publicKey,
      expiresAt: expiresAt?.toISOString() ?? null,
      createdAt: createdAt.toISOString(),
      renewedAt: renewedAt.toISOString(),
    };
  }

  private faultsOf(endpoint: string): FieldError[] {
    try {
      this.client.assertCallable(endpoint);
      return [];
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      return [{ pointer: '#/endpoint', detail: error.message, code: 'endpointCallable' }];
    }
  }
}

function faultsOfEnd(expirationTime: number | null | undefined, now: number): FieldError[] {
  return expirationTime != null && expirationTime <= now
    ? [{ pointer: '#/expirationTime', detail: 'must not be over already', code: 'isInFuture' }]
    : [];
}
