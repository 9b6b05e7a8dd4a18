import { Transform } from 'node:stream';
import type { SQL } from 'drizzle-orm';
import type { ExportSelection } from '../../../platform/exports/export-sources.service';
import type { DataExportPayload } from './data-export.payload';
import { cellsQuery, csvQuery, jsonQuery } from './export-query';

/** What PostgreSQL is asked for, and what kind of file becomes of it. */
export interface ExportFormat {
  readonly query: (selection: ExportSelection) => SQL;
  /** The options of COPY. */
  readonly copy: string;
  readonly contentType: string;
  readonly extension: string;
}

// JSON holds neither sign, so that nothing is ever quoted or escaped a second time.
const lines = String.raw`FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01'`;

const formats = {
  csv: {
    query: csvQuery,
    copy: 'FORMAT csv, HEADER true',
    contentType: 'text/csv',
    extension: 'csv',
  },
  json: { query: jsonQuery, copy: lines, contentType: 'application/json', extension: 'json' },
  ndjson: { query: jsonQuery, copy: lines, contentType: 'application/x-ndjson', extension: 'ndjson' },
  xlsx: {
    query: cellsQuery,
    copy: lines,
    contentType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    extension: 'xlsx',
  },
} satisfies Record<string, ExportFormat>;

export function formatOf({ exportType, format }: DataExportPayload): ExportFormat {
  return exportType === 'json' && format === 'ndjson' ? formats.ndjson : formats[exportType];
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** Puts the mark in front by which Excel knows UTF-8. */
export function withByteOrderMark(): Transform {
  const stream = new Transform({ transform: (chunk: Buffer, _encoding, done) => done(null, chunk) });
  stream.push(byteOrderMark);
  return stream;
}

/** Turns lines of JSON into one array with one line for each. */
export function asJsonArray(): Transform {
  let isFirst = true;
  let endsLine = false;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      const text = chunk.toString('latin1');
      // A line break is only written once it is known whether another row follows.
      const begin = isFirst ? '[\n' : endsLine ? ',\n' : '';
      isFirst = false;
      endsLine = text.endsWith('\n');
      const body = (endsLine ? text.slice(0, -1) : text).replaceAll('\n', ',\n');
      done(null, Buffer.from(begin + body, 'latin1'));
    },
    flush: (done) => done(null, isFirst ? '[]\n' : '\n]\n'),
  });
}

// Cells that wait for their group outlive the young generation of a worker, and cost more than they are worth.
const GROUP_BYTES = 16_384;
const LINE_BREAK = 10;

/** Reads rows that are one JSON array a line, in small groups. */
export async function* rowGroups<T>(bytes: AsyncIterable<Buffer>): AsyncGenerator<T[]> {
  let rest: Buffer[] = [];
  for await (const chunk of bytes) {
    const last = chunk.lastIndexOf(LINE_BREAK);
    if (last < 0) {
      rest.push(chunk);
      continue;
    }
    for (let from = 0; from <= last;) {
      const next = chunk.indexOf(LINE_BREAK, Math.min(from + GROUP_BYTES, last));
      const whole = Buffer.concat([...rest, chunk.subarray(from, next)]).toString('utf8');
      rest = [];
      from = next + 1;
      // No line break stands inside a row.
      yield JSON.parse(`[${whole.replaceAll('\n', ',')}]`) as T[];
    }
    rest = last + 1 < chunk.length ? [chunk.subarray(last + 1)] : [];
  }
}
