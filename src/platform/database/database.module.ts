import { Module, type DynamicModule } from '@nestjs/common';
import { Database } from './database.service';
import { MIGRATIONS, type MigrationFolder } from './migrations';

@Module({})
export class DatabaseModule {
  /** The folders are applied in the order given. */
  static forRoot(migrations: readonly MigrationFolder[]): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [Database, { provide: MIGRATIONS, useValue: migrations }],
      exports: [Database],
    };
  }
}
