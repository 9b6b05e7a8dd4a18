import { Global, Module } from '@nestjs/common';
import { BodyPrints } from './body-prints.service';
import { IdempotencyRecords } from './idempotency-records.service';
import { Idempotency } from './idempotency.service';

@Global()
@Module({ providers: [BodyPrints, IdempotencyRecords, Idempotency], exports: [Idempotency] })
export class IdempotencyModule {}
