import { Module } from '@nestjs/common';
import { LanguageModelModule } from '../../../integrations/language-model/language-model.module';
import { QueueModule } from '../../../platform/queue/queue.module';
import { BrokerageStoresModule } from '../brokerage-stores.module';
import { AiProcessor } from './ai.processor';
import { AiProducer } from './ai.producer';
import { aiQueue } from './ai.queue';
import { CoachService } from './coach.service';
import { EmbedService } from './embed.service';
import { ModelReviewWriter } from './model-review-writer.service';
import { TemplateReviewWriter } from './template-review-writer.service';

@Module({
  imports: [QueueModule.forQueue(aiQueue), BrokerageStoresModule, LanguageModelModule],
  providers: [AiProducer, AiProcessor, CoachService, EmbedService, ModelReviewWriter, TemplateReviewWriter],
  exports: [AiProducer],
})
export class AiModule {}
