import { Module } from '@nestjs/common';
import { FeedsModule } from '../../workloads/feeds/feeds.module';
import { ItemsController } from './items.controller';

@Module({ imports: [FeedsModule], controllers: [ItemsController] })
export class ItemsApiModule {}
