import { Global, Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../database/migrations';
import { FileCleaner } from './file-cleaner.service';
import { Files } from './files.service';

export const fileMigrations: MigrationFolder = { name: 'files', folder: join(__dirname, 'migrations') };

@Global()
@Module({ providers: [Files, FileCleaner], exports: [Files, FileCleaner] })
export class FilesModule {}
