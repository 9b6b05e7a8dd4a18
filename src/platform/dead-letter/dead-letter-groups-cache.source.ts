import { Injectable } from '@nestjs/common';
import { CacheSource, type CacheRequest } from '../cache/cache-source';
import { DeadLetterStore } from './dead-letter.store';

const MAX_GROUPS = 100;

@Injectable()
export class DeadLetterGroupsCacheSource extends CacheSource {
  readonly name = 'dead-letter-groups';
  readonly description =
    'The most frequent faults of the tenant’s dead letters that nobody has decided about.';

  constructor(private readonly store: DeadLetterStore) {
    super();
  }

  override async load({ tenant }: CacheRequest) {
    const groups = await this.store.groups({ status: 'dead' }, MAX_GROUPS, tenant);
    return { at: new Date().toISOString(), groups };
  }
}
