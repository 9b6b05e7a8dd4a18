import { Module } from '@nestjs/common';
import { DefaultModule } from './default/default.module';

/** General work that belongs to no document's domain: one entry per queue. */
@Module({ imports: [DefaultModule], exports: [DefaultModule] })
export class TasksModule {}
