import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ExportSources } from './export-sources.service';

@Global()
@Module({ imports: [DiscoveryModule], providers: [ExportSources], exports: [ExportSources] })
export class ExportsModule {}
