import type { Airport, AirportMatch, MatchedBy } from './airport';
import type { AirportRow } from './airport-table';
import { bareName, countBits, letterBits, plainText, typingErrors } from './airport-text';
import { businessAirports } from './business-airports';
import { regionsByName } from './country-names';

interface Entry {
  readonly airport: Airport;
  readonly matchedBy: MatchedBy;
  readonly fit: number;
  /** What the airport itself adds, 0 to 1. */
  readonly points: number;
}

// How well each kind of match fits, before the airport itself is looked at.
const fits = { icao: 1, iata: 1, nickname: 0.97, city: 0.95, name: 0.95, keyword: 0.85, partOfName: 0.7 };
const PENALTY_PER_TYPING_ERROR = 0.15;
const SHARE_OF_AIRPORT = 0.25;
const MIN_LETTERS_FOR_ERROR = 5;
const MIN_LETTERS_FOR_TWO_ERRORS = 8;
const MAX_WORDS = 10;
// Of two airports with the same nickname the one that stands first is the one that is meant.
const POINTS_PER_PLACE = 0.05;
const sizePoints = { large: 1, medium: 0.6, small: 0.2 };

/** The names of airports, taken apart once. */
export class AirportIndex {
  private readonly byCodes = new Map<string, Airport>();
  private readonly phrases = new Map<string, Entry[]>();
  private readonly words = new Map<string, Airport[]>();
  private readonly phrasesByLength = new Map<number, { text: string; bits: number }[]>();
  private readonly regions: Map<string, string>;
  private readonly sharedNicknames = airportsByNickname();

  constructor(rows: readonly AirportRow[]) {
    for (const { airport } of rows) this.byCodes.set(airport.icao, airport);
    for (const { airport } of rows) {
      if (airport.iata !== null && !this.byCodes.has(airport.iata)) this.byCodes.set(airport.iata, airport);
    }
    for (const row of rows) this.addNames(row);
    for (const text of this.phrases.keys()) this.addLength(text);
    this.regions = regionsByName(new Set(rows.map(({ airport }) => airport.country)));
  }

  byCode(code: string): Airport | undefined {
    return code.length > 4 ? undefined : this.byCodes.get(code.toUpperCase());
  }

  find(text: string, limit: number): AirportMatch[] {
    const plain = plainText(text);
    if (plain === '') return [];
    const found = this.exactly(text, plain);
    const some = found.length > 0 ? found : this.inRegion(plain);
    const entries = some.length > 0 ? some : this.nearly(plain);
    return best(entries, limit);
  }

  private exactly(text: string, plain: string): Entry[] {
    const byCode = this.byCode(text.trim());
    const kind = byCode?.icao === text.trim().toUpperCase() ? 'icao' : 'iata';
    const coded = byCode === undefined ? [] : [entryOf(byCode, kind, fits[kind])];
    return [...coded, ...this.called(plain)];
  }

  /** By the whole of a name, or by words that all occur in it. */
  private called(plain: string): Entry[] {
    const whole = this.phrases.get(plain) ?? this.phrases.get(bareName(plain)) ?? [];
    return whole.length > 0 ? whole : this.byWords(bareName(plain));
  }

  /** `Paris, Texas`: the last words may say where the place before them lies. */
  private inRegion(plain: string): Entry[] {
    const words = plain.split(' ');
    for (let place = words.length - 1; place >= Math.max(1, words.length - 4); place -= 1) {
      const region = this.regions.get(words.slice(place).join(' '));
      if (region === undefined) continue;
      const before = words.slice(0, place).join(' ');
      const there = (entry: Entry) => [entry.airport.country, entry.airport.region].includes(region);
      const found = this.called(before).filter(there);
      if (found.length > 0) return found;
      const nearly = this.nearly(before).filter(there);
      if (nearly.length > 0) return nearly;
    }
    return [];
  }

  private byWords(plain: string): Entry[] {
    const words = plain.split(' ').slice(0, MAX_WORDS);
    if (words.some((word) => word.length < 3)) return [];
    const lists = words.map((word) => this.words.get(word) ?? []);
    const [shortest = [], ...others] = lists.toSorted((a, b) => a.length - b.length);
    const sets = others.map((list) => new Set(list));
    return shortest
      .filter((airport) => sets.every((set) => set.has(airport)))
      .map((airport) => entryOf(airport, 'name', fits.partOfName));
  }

  private nearly(plain: string): Entry[] {
    const bare = bareName(plain);
    if (bare.length < MIN_LETTERS_FOR_ERROR) return [];
    const most = bare.length < MIN_LETTERS_FOR_TWO_ERRORS ? 1 : 2;
    const bits = letterBits(bare);
    let fewest = most + 1;
    let closest: string[] = [];
    for (let length = bare.length - most; length <= bare.length + most; length += 1) {
      for (const phrase of this.phrasesByLength.get(length) ?? []) {
        if (countBits(bits ^ phrase.bits) > 2 * fewest) continue;
        const errors = typingErrors(bare, phrase.text, Math.min(fewest, most));
        if (errors > most || errors > fewest) continue;
        closest = errors < fewest ? [phrase.text] : [...closest, phrase.text];
        fewest = errors;
      }
    }
    return closest.flatMap((text) =>
      (this.phrases.get(text) ?? []).map((entry) => ({
        ...entry,
        matchedBy: 'typo' as const,
        fit: entry.fit - PENALTY_PER_TYPING_ERROR * fewest,
      })),
    );
  }

  private addNames({ airport, keywords }: AirportRow): void {
    const name = plainText(airport.name);
    const city = plainText(airport.city);
    for (const nickname of businessAirports[airport.icao] ?? []) {
      const place = this.sharedNicknames.get(nickname)?.indexOf(airport.icao) ?? 0;
      const entry = entryOf(airport, 'nickname', fits.nickname);
      this.add(plainText(nickname), { ...entry, points: 1 - place * POINTS_PER_PLACE });
    }
    this.add(city, entryOf(airport, 'city', fits.city));
    for (const form of new Set([name, bareName(name)])) this.add(form, entryOf(airport, 'name', fits.name));
    for (const keyword of keywords) this.add(plainText(keyword), entryOf(airport, 'name', fits.keyword));
    for (const word of new Set(`${name} ${city}`.split(' '))) {
      if (word.length < 3) continue;
      const list = this.words.get(word);
      if (list === undefined) this.words.set(word, [airport]);
      else list.push(airport);
    }
  }

  private add(phrase: string, entry: Entry): void {
    if (phrase === '') return;
    const list = this.phrases.get(phrase);
    if (list === undefined) this.phrases.set(phrase, [entry]);
    else list.push(entry);
  }

  private addLength(text: string): void {
    const entry = { text, bits: letterBits(text) };
    const list = this.phrasesByLength.get(text.length);
    if (list === undefined) this.phrasesByLength.set(text.length, [entry]);
    else list.push(entry);
  }
}

/** Each airport once, by its best match; ties go by code, so that the order never depends on the table's. */
function best(entries: readonly Entry[], limit: number): AirportMatch[] {
  const byAirport = new Map<string, AirportMatch>();
  for (const { airport, matchedBy, fit, points } of entries) {
    const score = Math.round((fit * (1 - SHARE_OF_AIRPORT) + points * SHARE_OF_AIRPORT) * 1e4) / 1e4;
    const before = byAirport.get(airport.icao);
    if (before === undefined || before.score < score)
      byAirport.set(airport.icao, { airport, score, matchedBy });
  }
  return [...byAirport.values()]
    .sort((a, b) => b.score - a.score || (a.airport.icao < b.airport.icao ? -1 : 1))
    .slice(0, limit);
}

function entryOf(airport: Airport, matchedBy: MatchedBy, fit: number): Entry {
  return { airport, matchedBy, fit, points: pointsOf(airport) };
}

function airportsByNickname(): Map<string, string[]> {
  const shared = new Map<string, string[]>();
  for (const [icao, nicknames] of Object.entries(businessAirports)) {
    for (const nickname of nicknames) shared.set(nickname, [...(shared.get(nickname) ?? []), icao]);
  }
  return shared;
}

function pointsOf({ businessFit, size, scheduledService }: Airport): number {
  return (businessFit / 3) * 0.6 + sizePoints[size] * 0.3 + (scheduledService ? 0.1 : 0);
}
