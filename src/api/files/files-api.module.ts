import { Module } from '@nestjs/common';
import { FileUploads } from './file-uploads.service';
import { FilesController } from './files.controller';

@Module({ controllers: [FilesController], providers: [FileUploads] })
export class FilesApiModule {}
