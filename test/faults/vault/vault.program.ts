import '../../../src/heap-limits';
import 'reflect-metadata';
import type { DynamicModule } from '@nestjs/common';
import { AppModule } from '../../../src/app.module';
import type { Settings } from '../../../src/config/settings';
import { VaultModule } from './vault.module';

const forRole = AppModule.forRole.bind(AppModule);

AppModule.forRole = async (settings: Settings): Promise<DynamicModule> => {
  const { imports = [], ...module } = await forRole(settings);
  return { ...module, imports: [...imports, VaultModule] };
};

void import('../../../src/main.js');
