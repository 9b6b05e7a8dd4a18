import '../../../src/heap-limits';
import 'reflect-metadata';
import type { DynamicModule } from '@nestjs/common';
import { AppModule } from '../../../src/app.module';
import type { Settings } from '../../../src/config/settings';
import { ChaosModule } from './chaos.module';

const forRole = AppModule.forRole.bind(AppModule);

// The server as it ships, with one more queue: no file of dist knows of it.
AppModule.forRole = async (settings: Settings): Promise<DynamicModule> => {
  const { imports = [], ...module } = await forRole(settings);
  return { ...module, imports: [...imports, ChaosModule] };
};

void import('../../../src/main.js');
