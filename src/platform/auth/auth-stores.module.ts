import { Global, Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../database/migrations';
import { ApiKeyStore } from './api-key.store';
import { SessionStore } from './session.store';
import { SharedKeys } from './shared-keys.service';

export const authMigrations: MigrationFolder = { name: 'auth', folder: join(__dirname, 'migrations') };

/** Where keys and sessions are kept, and what all processes share of them. */
@Global()
@Module({
  providers: [ApiKeyStore, SessionStore, SharedKeys],
  exports: [ApiKeyStore, SessionStore, SharedKeys],
})
export class AuthStoresModule {}
