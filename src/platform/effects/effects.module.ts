import { Global, Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../database/migrations';
import { EffectCleaner } from './effect-cleaner.service';
import { Effects } from './effects.service';

export const effectsMigrations: MigrationFolder = { name: 'effects', folder: join(__dirname, 'migrations') };

@Global()
@Module({ providers: [Effects, EffectCleaner], exports: [Effects, EffectCleaner] })
export class EffectsModule {}
