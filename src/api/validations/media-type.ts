export type ReportFormat = 'csv' | 'json';

const mediaTypes: Record<string, ReportFormat> = {
  'text/csv': 'csv',
  'text/*': 'csv',
  'application/json': 'json',
  'application/*': 'json',
  '*/*': 'csv',
};

/** The format that an Accept header likes best, CSV when it does not mind; undefined when it wants neither. */
export function acceptedFormat(header: string | undefined): ReportFormat | undefined {
  if (header === undefined || header.trim() === '') return 'csv';
  let best: { format: ReportFormat; quality: number; isExact: boolean } | undefined;
  for (const entry of header.split(',').slice(0, 50)) {
    const [name = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    const format = mediaTypes[name];
    if (format === undefined) continue;
    const quality = Number(parameters.find((part) => part.startsWith('q='))?.slice(2) ?? 1);
    const isExact = !name.includes('*');
    const isBetter =
      best === undefined || quality > best.quality || (quality === best.quality && isExact && !best.isExact);
    if (quality > 0 && isBetter) best = { format, quality, isExact };
  }
  return best?.format;
}
