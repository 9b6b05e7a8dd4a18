import { Module, type DynamicModule } from '@nestjs/common';
import { Settings } from './settings';

@Module({})
export class SettingsModule {
  /** Makes the settings that `main.ts` read and checked injectable everywhere. */
  static forRoot(settings: Settings): DynamicModule {
    return {
      module: SettingsModule,
      global: true,
      providers: [{ provide: Settings, useValue: settings }],
      exports: [Settings],
    };
  }
}
