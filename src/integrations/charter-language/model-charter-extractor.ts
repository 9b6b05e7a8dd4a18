import { dayInZone, dayOf } from './calendar-day';
import { charterAnswerSchema, charterInstructions, type CharterAnswer } from './charter-answer';
import { CharterExtractor, type Extraction, type ExtractionContext } from './charter-extractor';
import {
  partsOfDay,
  type CharterBudget,
  type CharterLeg,
  type CharterRequest,
  type TripType,
} from './charter-request';
import { assertReadable, plainMessage } from './message-text';
import { missingFields } from './missing-fields';
import type { PlaceDirectory } from './place-directory';
import { codedMatches, namedMatches, resolvedPlace } from './place-resolution';
import type { StructuredModel } from './structured-model';

const MAX_ANSWER_TOKENS = 2_000;
const MAX_LEGS = 10;
const MAX_PASSENGERS = 1_000;
const MAX_BUDGET = 1_000_000_000;
const MAX_FLEXIBLE_DAYS = 30;
const MAX_NOTES = 10;
const MAX_TEXT_CHARACTERS = 160;

/**
 * Has a model read the message. What it answers is checked as if a stranger had written it: places are looked up,
 * dates have to exist, names and addresses to stand in the message.
 */
export class ModelCharterExtractor extends CharterExtractor {
  constructor(
    private readonly model: StructuredModel,
    private readonly directory: PlaceDirectory,
  ) {
    super();
  }

  async extract(message: string, context: ExtractionContext, signal: AbortSignal): Promise<Extraction> {
    signal.throwIfAborted();
    assertReadable(message);
    const { now, timeZone, tenant, jobId } = context;
    const { today } = dayInZone(now, timeZone);
    const weekday = new Intl.DateTimeFormat('en', { weekday: 'long', timeZone: 'UTC' }).format(
      new Date(today),
    );
    const user = plainMessage(message);
    const { value, usage } = await this.model.completeStructured<CharterAnswer>(
      { system: charterInstructions(`${weekday}, ${today}`, timeZone), user, maxTokens: MAX_ANSWER_TOKENS },
      charterAnswerSchema,
      { tenant, signal, ...(jobId !== undefined && { jobId }) },
    );
    const request = this.requestOf(value, { message: user, today });
    return { request, missing: missingFields(request), provider: usage.model, usage };
  }

  private requestOf(
    answer: CharterAnswer,
    { message, today }: { message: string; today: string },
  ): CharterRequest {
    const legs = answer.legs.slice(0, MAX_LEGS).map((leg) => this.legOf(leg, answer.flexibleDays, today));
    return {
      tripType: tripTypeOf(legs),
      legs,
      passengers: within(answer.passengers, 1, MAX_PASSENGERS),
      budget: budgetOf(answer.budget),
      aircraftClass: answer.aircraftClass,
      clientEmail: quoted(answer.clientEmail, message),
      clientName: quoted(answer.clientName, message),
      notes: answer.notes
        .slice(0, MAX_NOTES)
        .map(oneLine)
        .filter((note) => note !== ''),
    };
  }

  private legOf(leg: CharterAnswer['legs'][number], flexibleDays: number, today: string): CharterLeg {
    const [from, to] = [this.matchesOf(leg.from), this.matchesOf(leg.to)];
    return {
      departure: resolvedPlace(oneLine(leg.from ?? ''), from, to[0]?.airport),
      arrival: resolvedPlace(oneLine(leg.to ?? ''), to, from[0]?.airport),
      date: realDay(leg.date, today),
      time: timeOf(leg.time),
      flexibleDays: within(flexibleDays, 0, MAX_FLEXIBLE_DAYS) ?? 0,
    };
  }

  private matchesOf(name: string | null) {
    const text = oneLine(name ?? '');
    if (text === '') return [];
    const coded = /^[A-Z]{3,4}$/.test(text) ? codedMatches(text, this.directory) : [];
    return coded.length > 0 ? coded : namedMatches(text, this.directory);
  }
}

function tripTypeOf(legs: readonly CharterLeg[]): TripType {
  const [out, back] = legs;
  if (legs.length <= 1 || out === undefined || back === undefined) return 'one_way';
  const isSame = (one: CharterLeg['departure'], other: CharterLeg['departure']) =>
    one.candidates.length > 0 ? one.candidates[0] === other.candidates[0] : one.text === other.text;
  const isBack = isSame(out.departure, back.arrival) && isSame(out.arrival, back.departure);
  return legs.length === 2 && isBack ? 'round_trip' : 'multi_leg';
}

function budgetOf(budget: CharterBudget | null): CharterBudget | null {
  if (budget === null || !/^[A-Z]{3}$/.test(budget.currency)) return null;
  return budget.amount > 0 && budget.amount <= MAX_BUDGET ? budget : null;
}

/** A day that exists and has not passed. */
function realDay(text: string | null, today: string): string | null {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text ?? '') ?? [];
  const real = year === undefined ? undefined : dayOf(Number(year), Number(month), Number(day));
  return real !== undefined && real >= today ? real : null;
}

function timeOf(text: string | null): string | null {
  if (text === null) return null;
  return /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(text) || partsOfDay.some((part) => part === text) ? text : null;
}

/** What a model made up stands nowhere in the message. */
function quoted(text: string | null, message: string): string | null {
  const found = oneLine(text ?? '');
  return found !== '' && message.toLowerCase().includes(found.toLowerCase()) ? found : null;
}

function within(number: number | null, least: number, most: number): number | null {
  return number !== null && number >= least && number <= most ? number : null;
}

function oneLine(text: string): string {
  return text
    .replaceAll(/[\s\p{C}]+/gu, ' ')
    .trim()
    .slice(0, MAX_TEXT_CHARACTERS);
}
