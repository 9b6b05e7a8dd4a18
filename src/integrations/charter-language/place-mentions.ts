import type { PlaceMention } from './charter-request';
import type { MessageText, Span } from './message-text';
import { functionalWords, ordinaryCodes, ordinaryWords } from './ordinary-words';
import type { DirectoryMatch, PlaceDirectory } from './place-directory';
import { closerMatches, codedMatches, namedMatches, resolvedPlace } from './place-resolution';

export type PlaceRole = 'from' | 'to' | 'none';

/** A place of a message, and what the words around it say of it. */
export interface FoundPlace {
  readonly span: Span;
  readonly place: PlaceMention;
  readonly role: PlaceRole;
  /** Whether it stands right behind the place before it, as where one flies on to from there. */
  readonly isNext: boolean;
}

interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A place before the others of the trip have told which of several is meant. */
interface ReadPlace extends Omit<FoundPlace, 'place'> {
  readonly name: string;
  readonly matches: readonly DirectoryMatch[];
}

interface Candidate {
  readonly span: Span;
  readonly matches: readonly DirectoryMatch[];
}

const MAX_WORDS_OF_NAME = 5;
// Looking up what is no place costs the most; no request of ordinary length needs as many.
const MAX_LOOKUPS = 400;
const MAX_PLACES = 40;

const word = /(?:St|Ft|Mt|st|ft|mt)\.|\p{L}[\p{L}\p{M}']*/gu;
const joint = /^(?: |-|, ?)$/;
const connector =
  /^[ ,]*(?:[ ]to[ ]|[ ]?(?:-{1,2}>?|>{1,3}|\/|=>|->)[ ]?|[ ](?:back to|then to|then on to|on to|onto|into|via|and then|and back to|and on to|and then to|to go to|and)[ ])[ ]*$/i;
const leaves =
  /(?:^|[^\p{L}])(?:from|out of|leav(?:e|ing)|depart(?:s|ing|ure)?|departure|pick(?:ed)?[- ]?up (?:at|in|from)|starting (?:in|at)|stuck (?:in|at)|(?:i'm|we're|i am|we are|based|currently|now) in|ex|origin|dep)(?: from| ft)?[ :,]{1,2}(?:the )?$/iu;
const arrives =
  /(?:^|[^\p{L}])(?:to|into|for|heading|drop(?:ped)?[- ]?off (?:at|in)|arriv(?:e|ing|al)(?: in| at)?|land(?:ing)? (?:in|at)|destination|dest|be in|reach|visit|arr|->|>)[ :,]{1,2}(?:the |beautiful |sunny )?$/iu;
const near = /(?:^|[^\p{L}])(?:in|at|route|itinerary|via|near|return|between|and)[ :]{1,2}$/iu;
const ahead = /^ ?(?:to |- ?|-> ?|> ?|\/ ?|and back|\(|back to )/i;

/** Takes the places out of a message, in its order. */
export function takePlaces(text: MessageText, directory: PlaceDirectory): FoundPlace[] {
  const places = new PlaceReader(text, directory).read();
  return places.map(({ span, name, matches, role, isNext }, at) => {
    const neighbour = places[isNext || at === places.length - 1 ? at - 1 : at + 1] ?? places[at + 1];
    return { span, role, isNext, place: resolvedPlace(name, matches, neighbour?.matches[0]?.airport) };
  });
}

class PlaceReader {
  private readonly words: Word[];
  private readonly known = new Map<string, readonly DirectoryMatch[]>();
  private lookups = 0;

  constructor(
    private readonly text: MessageText,
    private readonly directory: PlaceDirectory,
  ) {
    this.words = [...text.rest.matchAll(word)].map((match) => ({
      text: match[0],
      start: match.index,
      end: match.index + match[0].length,
    }));
  }

  read(): ReadPlace[] {
    const found: ReadPlace[] = [];
    for (let at = 0; at < this.words.length && found.length < MAX_PLACES;) {
      const last = found.at(-1);
      const candidate = this.candidateAt(at, last);
      if (candidate === undefined) {
        at += 1;
        continue;
      }
      const { span } = candidate;
      if (last !== undefined && this.isSame(last, span)) {
        const name = `${last.name} (${this.text.whole.slice(span.start, span.end)})`;
        const matches = closerMatches(last.matches, candidate.matches);
        found[found.length - 1] = {
          ...last,
          span: { start: last.span.start, end: this.closed(span.end) },
          name,
          matches,
        };
      } else {
        const whole = this.closerBehind(candidate);
        const name = this.text.whole.slice(whole.span.start, whole.span.end);
        const gap = last === undefined ? '' : this.gap(last.span.end, span.start);
        const isNext =
          last !== undefined && (connector.test(gap) || (gap === ' ' && isCode(name) && isCode(last.name)));
        found.push({ ...whole, name, isNext, role: this.roleAt(span.start) });
      }
      const { end } = found.at(-1)!.span;
      while (at < this.words.length && this.words[at]!.start < Math.max(end, span.end)) at += 1;
    }
    return found;
  }

  /** The longest name that begins at a word, where the words around it let it be a place. */
  private candidateAt(at: number, last: ReadPlace | undefined): Candidate | undefined {
    const first = this.words[at]!;
    const isAfterPlace = last !== undefined && this.isBehind(last, first.start);
    const lead = this.text.rest.slice(Math.max(0, first.start - 30), first.start);
    const isLed = isAfterPlace || leaves.test(lead) || arrives.test(lead) || near.test(lead);
    for (let count = Math.min(MAX_WORDS_OF_NAME, this.words.length - at); count > 0; count -= 1) {
      const span = this.spanOf(at, count);
      if (span === undefined) continue;
      const matches = this.matchesOf(span, count, isLed);
      if (matches.length > 0) return { span, matches };
    }
    return undefined;
  }

  private matchesOf(span: Span, count: number, isLed: boolean): readonly DirectoryMatch[] {
    const name = this.text.rest.slice(span.start, span.end);
    const words = name.toLowerCase().split(/[ ,-]+/);
    const isOrdinary = words.some((one) => ordinaryWords.has(one));
    if (
      isOrdinary &&
      ((count === 1 && !isCode(name)) || functionalWords.has(words[0]!) || functionalWords.has(words.at(-1)!))
    )
      return [];
    const isUpper = /^\p{Lu}/u.test(name);
    const follows = ahead.test(this.text.rest.slice(span.end, span.end + 10));
    if (!isUpper && !isLed && !follows) return [];
    // A code in capitals needs no words around it; one in small letters needs a place on its other side.
    const isShort = /^[\p{L}]{3,4}$/u.test(name);
    if (isShort && isCode(name)) {
      const coded = ordinaryCodes.has(name) && !follows && !isLed ? [] : codedMatches(name, this.directory);
      if (coded.length > 0) return coded;
    }
    const matches = this.find(name).filter(({ matchedBy, airport }) => {
      if (matchedBy === 'icao' || matchedBy === 'iata')
        return !isUpper && (isLed || follows) && !ordinaryCodes.has(name.toUpperCase());
      if (matchedBy === 'typo')
        return isLed && name.length >= 6 && count <= 2 && (isUpper || follows || isLed);
      if (matchedBy === 'nickname' || matchedBy === 'city') return isUpper || isLed || follows;
      if (isOrdinary) return false;
      // Part of a name: too many words are part of some airport's.
      const isWhole = plain(airport.name).startsWith(plain(name)) || count > 1;
      return (isLed || follows) && (isUpper || name.length >= 5) && (isWhole || name.length >= 5);
    });
    return matches;
  }

  private find(name: string): readonly DirectoryMatch[] {
    const key = name.toLowerCase();
    const known = this.known.get(key);
    if (known !== undefined) return known;
    if (this.lookups >= MAX_LOOKUPS) return [];
    this.lookups += 1;
    const matches = namedMatches(name, this.directory);
    this.known.set(key, matches);
    return matches;
  }

  /** "Singapore Seletar": the city and then which of its airports. */
  private closerBehind({ span, matches }: Candidate): Candidate {
    const at = this.words.findIndex(({ start }) => start > span.end);
    if (at === -1 || this.gap(span.end, this.words[at]!.start) !== ' ') return { span, matches };
    const behind = this.spanOf(at, 1)!;
    const codes = new Set(matches.map(({ airport }) => airport.icao));
    const name = this.text.rest.slice(behind.start, behind.end);
    if (!/^\p{Lu}/u.test(name) || ordinaryWords.has(name.toLowerCase())) return { span, matches };
    const common = this.find(name).filter(({ airport }) => codes.has(airport.icao));
    return common.length === 0
      ? { span, matches }
      : { span: { start: span.start, end: behind.end }, matches: common };
  }

  /** From a word over so many; undefined where something else than spaces lies between. */
  private spanOf(at: number, count: number): Span | undefined {
    for (let next = at + 1; next < at + count; next += 1) {
      const before = this.words[next - 1]!;
      const gap = this.text.rest.slice(before.end, this.words[next]!.start);
      if (!joint.test(gap)) return undefined;
      // The place and where it lies may have a comma between them, once.
      if (gap.includes(',') && next !== at + count - 1) return undefined;
      if (/^(?:to|from|and|on|via|for|back|return|returning)$/i.test(this.words[next]!.text)) {
        const isPartOfName = /^(?:and|on)$/i.test(this.words[next]!.text);
        if (!isPartOfName) return undefined;
      }
    }
    return { start: this.words[at]!.start, end: this.words[at + count - 1]!.end };
  }

  /** "Teterboro (TEB)": the same place once more. */
  private isSame(last: ReadPlace, { start, end }: Span): boolean {
    return (
      /^ ?\($/.test(this.gap(last.span.end, start)) &&
      /^[^)(]{0,12}\)/.test(this.text.rest.slice(end, end + 14))
    );
  }

  private closed(end: number): number {
    const close = this.text.rest.indexOf(')', end);
    return close !== -1 && close - end <= 12 ? close + 1 : end;
  }

  private isBehind(last: ReadPlace, start: number): boolean {
    const gap = this.gap(last.span.end, start);
    return connector.test(gap) || /^ ?\($/.test(gap);
  }

  private gap(from: number, to: number): string {
    return to - from > 40 ? 'far' : this.text.rest.slice(from, to);
  }

  private roleAt(start: number): PlaceRole {
    const lead = this.text.rest.slice(Math.max(0, start - 30), start);
    if (leaves.test(lead)) return 'from';
    return arrives.test(lead) ? 'to' : 'none';
  }
}

function isCode(text: string): boolean {
  return /^[A-Z]{3,4}$/.test(text);
}

function plain(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFD')
    .replaceAll(/[^a-z0-9]+/g, ' ')
    .trim();
}
