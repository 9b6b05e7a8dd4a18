import { Global, Module } from '@nestjs/common';
import { ResultCleaner } from './result-cleaner.service';
import { ResultStep } from './result-step.service';

@Global()
@Module({ providers: [ResultStep, ResultCleaner], exports: [ResultCleaner] })
export class ResultsModule {}
