import { Global, Module } from '@nestjs/common';
import { ApiKeyStore } from '../../src/platform/auth/api-key.store';
import { SessionStore } from '../../src/platform/auth/session.store';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';

const stores = [
  { provide: ApiKeyStore, useValue: { hasEverHadOne: async () => false, find: async () => undefined } },
  {
    provide: SessionStore,
    useValue: { find: async () => undefined, signingSecret: async (one: string) => one },
  },
];

/** What the AuthModule needs beside it, for an application without a database: no key was ever made. */
@Global()
@Module({ providers: [...stores, QueueRegistry], exports: [ApiKeyStore, SessionStore, QueueRegistry] })
export class WithoutKeys {}
