import { Module } from '@nestjs/common';
import { CleanupModule } from './cleanup/cleanup.module';
import { DefaultModule } from './default/default.module';

/** General work that belongs to no document's domain: one entry per queue. */
@Module({ imports: [DefaultModule, CleanupModule], exports: [DefaultModule, CleanupModule] })
export class TasksModule {}
