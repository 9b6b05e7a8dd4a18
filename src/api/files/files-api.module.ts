import { Module } from '@nestjs/common';
import { FileUploads } from './file-uploads.service';
import { FileLinksController } from './file-links.controller';
import { FilesController } from './files.controller';
import { LinkLimits } from './link-limits.service';

@Module({ controllers: [FilesController, FileLinksController], providers: [FileUploads, LinkLimits] })
export class FilesApiModule {}
