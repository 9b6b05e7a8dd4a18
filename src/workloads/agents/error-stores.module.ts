import { Module } from '@nestjs/common';
import { ErrorGroups } from './error-groups.store';

@Module({ providers: [ErrorGroups], exports: [ErrorGroups] })
export class ErrorStoresModule {}
