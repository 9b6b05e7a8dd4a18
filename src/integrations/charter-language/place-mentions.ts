import type { PlaceMention } from './charter-request';
import type { MessageText, Span } from './message-text';
import type { DirectoryMatch, PlaceDirectory } from './place-directory';

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

interface Candidate {
  readonly span: Span;
  readonly matches: readonly DirectoryMatch[];
}

const MAX_WORDS_OF_NAME = 5;
// Looking up what is no place costs the most; no request of ordinary length needs as many.
const MAX_LOOKUPS = 400;
const MAX_PLACES = 40;
const MAX_CANDIDATES = 10;
/** Places that fit less well than the best by this much are not meant. */
const SCORE_MARGIN = 0.12;

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

// Words that begin no place although one is called so, or is in its name.
const ordinary = new Set(
  `a an the we i my our your his her it its this that these those there here he she they you me us them who what when where how why which and or but so if then as of in on at by with without from to for into out up down back home
  go going get getting fly flying flight flights trip travel travelling traveling travels leave leaving depart departing departure arrive arriving return returning rtn come coming bring take taking send move moving pick drop be been being is are was were will would could can may might must should have has had do does did need needs want wants like looking please pls thanks thank hi hello hey dear good morning afternoon evening night today tomorrow tonight day days week weeks weekend month year
  quote quotes quotation price pricing cost costs budget charter jet plane aircraft private one two three four five six seven eight nine ten way round people person passengers passenger pax guests adults kids children family dog cat pets bags luggage wifi catering ski skis golf meeting wedding party business board client clients boss team crew empty leg legs
  january february march april june july august september october november december monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat jan feb mar apr jun jul aug sep oct nov dec
  light heavy mid midsize size super large small very any some no not yes ok just only about around between before after until till more less than max under over each per total usd eur gbp chf dollars euros time date dates route option options available availability possible sometime maybe asap urgent also same next last first second third new old early late long short
  best kind regards sincerely cheers attention inquiry enquiry request req etd eta atd tbd tba vip ceo cfo pob heli anything everyone anyone something nothing everything confirm see say make help call know think find plan planning planned let give show dinner lunch breakfast noon midnight work school college use using visit all way wheels hop area airport airports field runway city town eta dep arr lt local utc`
    .split(/\s+/)
    .filter((one) => one !== ''),
);

/** Takes the places out of a message, in its order. */
export function takePlaces(text: MessageText, directory: PlaceDirectory): FoundPlace[] {
  return new PlaceReader(text, directory).read();
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

  read(): FoundPlace[] {
    const found: FoundPlace[] = [];
    for (let at = 0; at < this.words.length && found.length < MAX_PLACES;) {
      const last = found.at(-1);
      const candidate = this.candidateAt(at, last);
      if (candidate === undefined) {
        at += 1;
        continue;
      }
      const { span } = candidate;
      const next = placeOf(candidate, this.text);
      if (last !== undefined && this.isSame(last, span)) {
        found[found.length - 1] = {
          ...last,
          span: { start: last.span.start, end: this.closed(span.end) },
          place: closer(last.place, next),
        };
      } else {
        const isNext = last !== undefined && connector.test(this.gap(last.span.end, span.start));
        found.push({ span, place: next, isNext, role: this.roleAt(span.start) });
      }
      while (at < this.words.length && this.words[at]!.start < span.end) at += 1;
    }
    return found;
  }

  /** The longest name that begins at a word, where the words around it let it be a place. */
  private candidateAt(at: number, last: FoundPlace | undefined): Candidate | undefined {
    const first = this.words[at]!;
    if (ordinary.has(first.text.toLowerCase()) && !isCode(first.text)) return undefined;
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
    const isUpper = /^\p{Lu}/u.test(name);
    const follows = ahead.test(this.text.rest.slice(span.end, span.end + 10));
    if (!isUpper && !isLed && !follows) return [];
    // A code in capitals needs no words around it; one in small letters needs a place on its other side.
    const isShort = /^[\p{L}]{3,4}$/u.test(name);
    if (isShort && isCode(name)) {
      const airport = ordinaryCodes.has(name) && !follows && !isLed ? undefined : this.directory.byCode(name);
      if (airport !== undefined)
        return [{ airport, score: 1, matchedBy: name.length === 4 ? 'icao' : 'iata' }];
    }
    const matches = this.find(name).filter(({ matchedBy, airport }) => {
      if (matchedBy === 'icao' || matchedBy === 'iata')
        return !isUpper && (isLed || follows) && !ordinaryCodes.has(name.toUpperCase());
      if (matchedBy === 'typo')
        return isLed && name.length >= 6 && count <= 2 && (isUpper || follows || isLed);
      if (matchedBy === 'nickname' || matchedBy === 'city') return isUpper || isLed || follows;
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
    const matches = this.directory.find(name, MAX_CANDIDATES);
    this.known.set(key, matches);
    return matches;
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
  private isSame(last: FoundPlace, { start, end }: Span): boolean {
    return (
      /^ ?\($/.test(this.gap(last.span.end, start)) &&
      /^[^)(]{0,12}\)/.test(this.text.rest.slice(end, end + 14))
    );
  }

  private closed(end: number): number {
    const close = this.text.rest.indexOf(')', end);
    return close !== -1 && close - end <= 12 ? close + 1 : end;
  }

  private isBehind(last: FoundPlace, start: number): boolean {
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

const ordinaryCodes = new Set(
  'PAX REQ ETD ETA MAX MIN AND THE FOR ONE TWO SIX TEN MAY MAR APR JUN JUL AUG SEP OCT NOV DEC JAN FEB SUN MON TUE WED THU FRI SAT USD EUR GBP CHF AUD CAD JET POB VIP CEO CFO RTN TBD TBA ASAP NEED WIFI ALL ANY NOT OUT VIA DEP ARR LEG LEGS DATE FROM TIME WITH BACK TRIP CREW DOGS PETS ARE CAN YOU OUR HAS HAD WAS WHO HOW NOW NEW DAY WAY FLY BIG GET LET SAY SEE USE ACC PLS TOP ADD BUT BUY END FAR FEW GOT HER HIM HIS HOT ILL ITS LOT MEN OLD OWN PAY PER PUT RUN SET SHE TRY WIN YES YET ISO REF UTC EST PST CST GMT BST CET'.split(
    ' ',
  ),
);

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

function placeOf({ span, matches }: Candidate, text: MessageText): PlaceMention {
  const best = matches[0]!.score;
  const candidates = matches
    .filter(({ score }) => best - score <= SCORE_MARGIN)
    .map(({ airport }) => airport.icao);
  const name = text.whole.slice(span.start, span.end);
  return { text: name, airport: candidates.length === 1 ? candidates[0]! : null, candidates };
}

/** What stands in brackets tells more, unless it means anything else. */
function closer(place: PlaceMention, within: PlaceMention): PlaceMention {
  const common = within.candidates.filter((code) => place.candidates.includes(code));
  const candidates = common.length > 0 ? common : within.candidates;
  const airport = candidates.length === 1 ? candidates[0]! : null;
  return { text: `${place.text} (${within.text})`, airport, candidates };
}
