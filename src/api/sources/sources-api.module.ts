import { Module } from '@nestjs/common';
import { FeedsModule } from '../../workloads/feeds/feeds.module';
import { SourcesController } from './sources.controller';
import { Sources } from './sources.service';

@Module({ imports: [FeedsModule], controllers: [SourcesController], providers: [Sources] })
export class SourcesApiModule {}
