import { Global, Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../database/migrations';
import { AuditHooks } from './audit-hooks.service';
import { AuditLog } from './audit-log.service';
import { AuditSpool } from './audit-spool.service';

export const auditMigrations: MigrationFolder = { name: 'audit', folder: join(__dirname, 'migrations') };

@Global()
@Module({ providers: [AuditLog, AuditSpool, AuditHooks], exports: [AuditLog, AuditSpool, AuditHooks] })
export class AuditModule {}
