import type { Readable } from 'node:stream';
import { csvReportToJson } from '../../integrations/csv/report-json';

/** The report as one JSON array, piece by piece. */
export function reportAsJson(csv: Readable): AsyncIterable<string> {
  return csvReportToJson(csv);
}
