import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedAirports } from '../airports/embedded-airports';
import type { CharterRequest, PlaceMention } from './charter-request';
import type { Extraction } from './charter-extractor';
import { EmbeddedCharterExtractor } from './embedded-charter-extractor';

interface Expected extends Partial<Omit<CharterRequest, 'legs'>> {
  readonly legs: {
    readonly departure: string | null;
    readonly arrival: string | null;
    readonly date: string | null;
    readonly time: string | null;
    readonly flexibleDays: number;
  }[];
}

interface Sample {
  readonly id: string;
  readonly text: string;
  readonly expected: Expected;
}

interface Verdict {
  readonly field: string;
  readonly isRight: boolean;
  /** Whether the message gives the field, or the extractor says so. */
  readonly isGiven: boolean;
  readonly detail: string;
}

const corpus = JSON.parse(
  readFileSync(join(__dirname, '../../../test/fixtures/charter-requests.json'), 'utf8'),
) as { now: string; timeZone: string; tuning: Sample[]; heldOut: Sample[] };

const extractor = new EmbeddedCharterExtractor(new EmbeddedAirports());
const context = { now: new Date(corpus.now), timeZone: corpus.timeZone, tenant: 'default' };
const extract = (text: string) => extractor.extract(text, context, new AbortController().signal);

/** A bare code has to be the airport; one after `~` the airport, or a candidate of a place that needs a question. */
function isPlace(found: PlaceMention | undefined, expected: string | null): boolean {
  if (expected === null) return found === undefined || found.candidates.length === 0;
  if (found === undefined) return false;
  const code = expected.replace('~', '');
  if (!expected.startsWith('~')) return found.airport === code;
  return found.airport === null ? found.candidates.includes(code) : found.airport === code;
}

function verdicts({ expected }: Sample, { request }: Extraction): Verdict[] {
  const all: Verdict[] = [];
  const compare = (field: string, found: unknown, wanted: unknown) =>
    all.push({
      field,
      isRight: JSON.stringify(found ?? null) === JSON.stringify(wanted ?? null),
      isGiven: (found ?? null) !== null || (wanted ?? null) !== null,
      detail: `${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`,
    });
  if (expected.tripType !== undefined && expected.legs.length > 0) {
    compare('tripType', request.tripType, expected.tripType);
  }
  const count =
    expected.tripType === undefined
      ? expected.legs.length
      : Math.max(expected.legs.length, request.legs.length);
  for (let at = 0; at < count; at += 1) {
    const [found, wanted] = [request.legs[at], expected.legs[at]];
    for (const end of ['departure', 'arrival'] as const) {
      const place = found?.[end];
      all.push({
        field: `legs[${at}].${end}`,
        isRight: isPlace(place, wanted?.[end] ?? null),
        isGiven: (wanted?.[end] ?? null) !== null || (place?.candidates.length ?? 0) > 0,
        detail: `${JSON.stringify(place)} instead of ${wanted?.[end]}`,
      });
    }
    compare(`legs[${at}].date`, found?.date, wanted?.date);
    compare(`legs[${at}].time`, found?.time, wanted?.time);
    compare(`legs[${at}].flexibleDays`, found?.flexibleDays || null, wanted?.flexibleDays || null);
  }
  for (const field of ['passengers', 'budget', 'aircraftClass', 'clientEmail', 'clientName'] as const) {
    compare(field, request[field], expected[field]);
  }
  for (const word of expected.notes ?? []) {
    const isRight = request.notes.some((note) => note.toLowerCase().includes(word));
    all.push({ field: 'notes', isRight, isGiven: true, detail: `nothing of "${word}"` });
  }
  return all;
}

async function score(samples: readonly Sample[]) {
  const misses: string[] = [];
  let [given, right, all, allRight] = [0, 0, 0, 0];
  for (const sample of samples) {
    const found = verdicts(sample, await extract(sample.text));
    all += found.length;
    allRight += found.filter(({ isRight }) => isRight).length;
    const counted = found.filter(({ isGiven }) => isGiven);
    given += counted.length;
    right += counted.filter(({ isRight }) => isRight).length;
    const wrong = counted.filter(({ isRight }) => !isRight);
    if (wrong.length === 0) continue;
    misses.push(`${sample.id} ${JSON.stringify(sample.text).slice(0, 160)}`);
    misses.push(...wrong.map(({ field, detail }) => `    ${field}: ${detail}`));
  }
  return { given, right, all, allRight, share: right / given, misses };
}

const told = (name: string, { given, right, all, allRight }: Awaited<ReturnType<typeof score>>) =>
  `${name}: ${right} of ${given} given fields right (${((100 * right) / given).toFixed(1)} %); ` +
  `with those that are rightly empty, ${allRight} of ${all} (${((100 * allRight) / all).toFixed(1)} %)`;

describe('the embedded extractor, on requests phrased before it was written', () => {
  it('reads the part it was tuned on, and the part it was not', async () => {
    const tuning = await score(corpus.tuning);
    const heldOut = await score(corpus.heldOut);
    const share = (tuning.right + heldOut.right) / (tuning.given + heldOut.given);
    const lines = [told('tuned on', tuning), told('held out', heldOut), ...tuning.misses, ...heldOut.misses];
    process.stdout.write(`${lines.join('\n')}\n`);
    expect(corpus.tuning.length + corpus.heldOut.length).toBeGreaterThanOrEqual(200);
    expect(corpus.heldOut.length).toBeGreaterThanOrEqual(80);
    expect(share).toBeGreaterThanOrEqual(0.9);
    expect(heldOut.share).toBeGreaterThanOrEqual(0.88);
  });

  it('asks for whatever a flight needs and the message does not give', async () => {
    for (const { text } of [...corpus.tuning, ...corpus.heldOut]) {
      const { request, missing } = await extract(text);
      const fields = new Set(missing.map(({ field }) => field));
      expect(fields.has('passengers')).toBe(request.passengers === null);
      request.legs.forEach((leg, at) => expect(fields.has(`legs[${at}].date`)).toBe(leg.date === null));
      const [first] = request.legs;
      expect(fields.has(first === undefined ? 'legs' : 'legs[0].departure')).toBe(
        first?.departure.airport === null || first === undefined,
      );
    }
  });
});
