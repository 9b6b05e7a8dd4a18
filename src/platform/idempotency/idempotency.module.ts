import { Global, Module } from '@nestjs/common';
import { IdempotencyRecords } from './idempotency-records.service';
import { Idempotency } from './idempotency.service';

@Global()
@Module({ providers: [IdempotencyRecords, Idempotency], exports: [Idempotency] })
export class IdempotencyModule {}
