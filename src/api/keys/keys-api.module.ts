import { Module } from '@nestjs/common';
import { KeysController } from './keys.controller';
import { Keys } from './keys.service';

@Module({ controllers: [KeysController], providers: [Keys] })
export class KeysApiModule {}
