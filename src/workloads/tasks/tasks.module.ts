import { Module } from '@nestjs/common';
import { DataExportModule } from './data-export/data-export.module';
import { DefaultModule } from './default/default.module';

/** General work that belongs to no document's domain: one entry per queue. */
@Module({ imports: [DataExportModule, DefaultModule], exports: [DataExportModule, DefaultModule] })
export class TasksModule {}
