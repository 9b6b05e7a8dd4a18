import { sql, type SQL } from 'drizzle-orm';
import { escapeLiteral } from 'pg';
import type { ExportSelection, SelectedColumn } from '../../../platform/exports/export-sources.service';

// The rules of integrations/csv/formula-guard.ts: what they guard, and take off again, has to be the same.
const guardedSigns = "=+-@\t\r'";
const signCodes = sql.raw([...guardedSigns].map((sign) => sign.charCodeAt(0)).join(', '));
const looksGuarded = sql.raw(escapeLiteral("^'+[=+@\\t\\r-]"));
const number = sql.raw(escapeLiteral('^[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)$'));

/** The rows as texts for a CSV file: no cell begins like a formula, numbers stay as they are, times are ISO 8601. */
export function csvQuery(selection: ExportSelection): SQL {
  const [only, ...others] = selection.columns;
  const cells = selection.columns.map((column) => sql`${csvCell(column)} AS ${sql.identifier(column.name)}`);
  // A line without a character is no row for whoever reads the file.
  if (only !== undefined && others.length === 0) {
    return from(selection, [sql`coalesce((${csvCell(only)})::text, '') AS ${sql.identifier(only.name)}`]);
  }
  return from(selection, cells);
}

/** Each row as one JSON object, without a line break inside. */
export function jsonQuery(selection: ExportSelection): SQL {
  const members = selection.columns.map(
    (column) => sql`${jsonValue(column)} AS ${sql.identifier(column.name)}`,
  );
  return sql`SELECT row_to_json(one)::text FROM (${from(selection, members)}) one`;
}

/** Each row as one JSON array, times in epoch milliseconds. */
export function cellsQuery(selection: ExportSelection): SQL {
  const values = selection.columns.map(({ type, value }) =>
    type === 'time' ? sql`(extract(epoch FROM ${value}) * 1000)::bigint` : value,
  );
  return from(selection, [sql`json_build_array(${sql.join(values, sql`, `)})::text`]);
}

function from({ source, where }: ExportSelection, expressions: readonly SQL[]): SQL {
  const list = sql.join([...expressions], sql`, `);
  return sql`SELECT ${list} FROM ${source.rows} WHERE ${where} ORDER BY ${source.order}`;
}

function csvCell({ type, value }: SelectedColumn): SQL {
  switch (type) {
    case 'text':
      return sql`CASE WHEN ascii(${value}) IN (${signCodes}) AND (${value} ~ ${looksGuarded} OR (ascii(${value}) <> 39 AND ${value} !~ ${number})) THEN '''' || ${value} ELSE ${value} END`;
    case 'boolean':
      return sql`(${value})::text`;
    case 'time':
      return isoTime(value);
    default:
      return value;
  }
}

function jsonValue({ type, value }: SelectedColumn): SQL {
  return type === 'time' ? isoTime(value) : value;
}

// The time zone of the connection is UTC.
function isoTime(value: SQL): SQL {
  return sql`to_char(${value}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
