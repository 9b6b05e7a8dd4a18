import { Global, Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../database/migrations';
import { ApiKeyStore } from './api-key.store';
import { SessionStore } from './session.store';

export const authMigrations: MigrationFolder = { name: 'auth', folder: join(__dirname, 'migrations') };

/** Where keys and sessions are kept. */
@Global()
@Module({ providers: [ApiKeyStore, SessionStore], exports: [ApiKeyStore, SessionStore] })
export class AuthStoresModule {}
