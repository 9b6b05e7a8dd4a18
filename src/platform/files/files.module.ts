import { Global, Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../database/migrations';
import { FileCleaner } from './file-cleaner.service';
import { FileLinks } from './file-links.service';
import { Files } from './files.service';

export const fileMigrations: MigrationFolder = { name: 'files', folder: join(__dirname, 'migrations') };

@Global()
@Module({ providers: [Files, FileLinks, FileCleaner], exports: [Files, FileLinks, FileCleaner] })
export class FilesModule {}
