import type { ExportWish } from '../../../platform/exports/export-sources.service';
import { DEFAULT_EXPORT_SOURCE, type DataExportPayload } from './data-export.payload';

/** What a payload asks of its source. */
export function wishOf({ source, columns, filters }: DataExportPayload): ExportWish {
  return {
    source: source ?? DEFAULT_EXPORT_SOURCE,
    ...(columns != null && { columns }),
    ...(filters != null && { filters }),
  };
}
