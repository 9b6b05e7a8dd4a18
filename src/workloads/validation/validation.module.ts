import { Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../../platform/database/migrations';
import { CsvValidationModule } from './csv-validation/csv-validation.module';
import { FindingsExportSource } from './findings-export.source';
import { ValidationCleaner } from './validation-cleaner.service';
import { ValidationReconciler } from './validation-reconciler.service';
import { ValidationStoresModule } from './validation-stores.module';

export const validationMigrations: MigrationFolder = {
  name: 'validation',
  folder: join(__dirname, 'migrations'),
};

@Module({
  imports: [CsvValidationModule, ValidationStoresModule],
  providers: [ValidationReconciler, ValidationCleaner, FindingsExportSource],
  exports: [CsvValidationModule, ValidationStoresModule, ValidationReconciler, ValidationCleaner],
})
export class ValidationModule {}
