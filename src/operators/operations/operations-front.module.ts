import { Module } from '@nestjs/common';
import { OperationsFront } from './operations-front.service';
import { OperationsController } from './operations.controller';

/** Bulk actions, for operators. */
@Module({ controllers: [OperationsController], providers: [OperationsFront], exports: [OperationsFront] })
export class OperationsFrontModule {}
