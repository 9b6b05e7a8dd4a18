import { Module } from '@nestjs/common';
import { RuleSetStore } from './rule-set.store';
import { ValidationAttemptStore } from './validation-attempt.store';
import { ValidationFindingsStore } from './validation-findings.store';
import { ValidationLogStore } from './validation-log.store';
import { ValidationRunStore } from './validation-run.store';

const stores = [
  RuleSetStore,
  ValidationAttemptStore,
  ValidationFindingsStore,
  ValidationLogStore,
  ValidationRunStore,
];

@Module({ providers: stores, exports: stores })
export class ValidationStoresModule {}
