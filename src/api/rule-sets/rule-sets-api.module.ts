import { Module } from '@nestjs/common';
import { ValidationModule } from '../../workloads/validation/validation.module';
import { RuleSetsController } from './rule-sets.controller';

@Module({ imports: [ValidationModule], controllers: [RuleSetsController] })
export class RuleSetsApiModule {}
