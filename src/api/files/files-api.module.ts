import { Module } from '@nestjs/common';
import { FileLinks } from '../../platform/files/file-links.service';
import { FileUploads } from './file-uploads.service';
import { FileLinksController } from './file-links.controller';
import { FilesController } from './files.controller';
import { LinkLimits } from './link-limits.service';

@Module({
  controllers: [FilesController, FileLinksController],
  providers: [FileUploads, FileLinks, LinkLimits],
})
export class FilesApiModule {}
