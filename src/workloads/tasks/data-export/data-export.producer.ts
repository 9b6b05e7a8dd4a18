import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import { ExportSources } from '../../../platform/exports/export-sources.service';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { checkPayloadsOf } from '../../../platform/queue/payload-checks';
import { DATA_EXPORT, type DataExportPayload } from './data-export.payload';
import { dataExportQueue } from './data-export.queue';
import { wishOf } from './export-wish';

@Injectable()
export class DataExportProducer extends JobProducer<typeof dataExportQueue> {
  constructor(@InjectQueue(dataExportQueue.name) queue: Queue, sources: ExportSources) {
    super(dataExportQueue, queue);
    checkPayloadsOf(queue, DATA_EXPORT, (payload) =>
      sources.problemsOf(wishOf(payload as DataExportPayload)),
    );
  }

  /** Throws PayloadInvalidError also for a source, a column or a filter that does not exist. */
  addDataExport(payload: DataExportPayload, options?: AddOptions) {
    return this.add(DATA_EXPORT, payload, options);
  }
}
