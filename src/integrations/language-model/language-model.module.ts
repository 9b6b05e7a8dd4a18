import { Module } from '@nestjs/common';
import { Embeddings } from './embeddings';
import { LanguageModel } from './language-model.service';
import { TokenBudget } from './token-budget.service';

/** The language model of the settings, what it may use, and embeddings with or without it. */
@Module({
  providers: [TokenBudget, LanguageModel, Embeddings],
  exports: [TokenBudget, LanguageModel, Embeddings],
})
export class LanguageModelModule {}
