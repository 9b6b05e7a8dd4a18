import { Module } from '@nestjs/common';
import { DefaultModule } from './default/default.module';
import { FileProcessModule } from './file-process/file-process.module';

/** General work that belongs to no document's domain: one entry per queue. */
@Module({ imports: [DefaultModule, FileProcessModule], exports: [DefaultModule, FileProcessModule] })
export class TasksModule {}
