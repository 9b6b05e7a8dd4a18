import { Module } from '@nestjs/common';
import { DeadLettersController } from './dead-letters.controller';
import { DeadLettersService } from './dead-letters.service';
import { JobRetriesController } from './job-retries.controller';

/** Jobs that have died: look, decide, run again. */
@Module({
  controllers: [DeadLettersController, JobRetriesController],
  providers: [DeadLettersService],
})
export class DeadLettersModule {}
