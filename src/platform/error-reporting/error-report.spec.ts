import { DrizzleQueryError } from 'drizzle-orm/errors';
import { errorReport } from './error-report';

const place = { kind: 'http', group: ['GET', '/things/:id'], tags: { route: '/things/:id' } } as const;

describe('what is reported of an error', () => {
  it('is its name, its message and its places', () => {
    const { name, message, places } = errorReport(new TypeError('no wheel'), place);
    expect([name, message]).toEqual(['TypeError', 'no wheel']);
    expect(places[0]).toMatch(/^at .*error-report\.spec\.ts/);
  });

  it('holds nothing of what a query was given, but the code that PostgreSQL answered with', () => {
    const refusal = Object.assign(new Error('bad "s3cret"'), { code: '22P02', severity: 'ERROR' });
    const report = errorReport(new DrizzleQueryError('insert ($1)', ['s3cret'], refusal), place);
    expect(JSON.stringify(report)).not.toContain('s3cret');
    expect(report.tags).toMatchObject({ code: '22P02' });
    expect(JSON.stringify(errorReport(refusal, place))).not.toContain('s3cret');
  });

  it('groups failures of one fault, and tells those of other places apart', () => {
    const [one, same] = ['17', '18'].map((at) => errorReport(new Error(`row ${at} is torn`), place));
    expect(one?.fingerprint).toEqual(same?.fingerprint);
    const elsewhere = errorReport(new Error('row 17 is torn'), { ...place, group: ['GET', '/others'] });
    expect(elsewhere.fingerprint).not.toEqual(one?.fingerprint);
  });

  it('is short, and takes what is no error', () => {
    const long = errorReport(new Error('word '.repeat(10_000)), {
      ...place,
      tags: { jobId: 'x'.repeat(5_000) },
    });
    expect(JSON.stringify(long).length).toBeLessThan(8_000);
    expect(errorReport('text', place)).toMatchObject({ name: 'Error', message: 'It was no Error.' });
  });

  it('shows no text that it was told to hide', () => {
    const report = errorReport(new Error('mail to a@b.example'), { ...place, hidden: ['a@b.example'] });
    expect(report.message).toBe('mail to •••');
  });
});
