/** One line of Prometheus' text format. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const nameOf = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const labelOf = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,|\})/;
// Prometheus reads numbers as Go does, which takes NaN in any case; prom-client writes Nan.
const valueOf = /^ (?:[+-]?Inf|[Nn]a[Nn]|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;
const suffixes: Readonly<Record<string, readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/** All samples of a scrape. Throws for whatever the format does not allow, for a series that is there twice, and for a histogram that goes down. */
export class Scrape {
  readonly samples: MetricSample[] = [];
  private readonly types = new Map<string, string>();
  private readonly helps = new Set<string>();

  constructor(text: string) {
    if (!text.endsWith('\n')) throw new Error('The text does not end with a line break.');
    for (const line of text.split('\n')) {
      if (line.startsWith('#')) this.describe(line);
      else if (line !== '') this.samples.push(this.sample(line));
    }
    const keys = this.samples.map(keyOf);
    if (new Set(keys).size < keys.length) throw new Error('A series is there twice.');
    this.checkHistograms();
  }

  get series(): string[] {
    return this.samples.map(keyOf);
  }

  /** Those that Holdfast makes; of Node's own some come with what it does, such as each kind of garbage collection. */
  get ownSeries(): string[] {
    return this.series.filter((key) => /^(holdfast|bullmq)_/.test(key));
  }

  /** The value of the series with just these labels; undefined when there is none. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const key = keyOf({ name, labels, value: 0 });
    return this.samples.find((sample) => keyOf(sample) === key)?.value;
  }

  typeOf(name: string): string | undefined {
    return this.types.get(name);
  }

  private describe(line: string): void {
    const [, word = '', name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (nameOf.exec(name)?.[0] !== name) throw new Error(`Not a description: ${line}`);
    if (word === 'HELP') {
      if (this.helps.has(name)) throw new Error(`${name} is described twice.`);
      this.helps.add(name);
      return;
    }
    if (suffixes[rest] === undefined || this.types.has(name)) throw new Error(`Not a type: ${line}`);
    this.types.set(name, rest);
  }

  private sample(line: string): MetricSample {
    const name = nameOf.exec(line)?.[0] ?? '';
    let rest = line.slice(name.length);
    const labels: Record<string, string> = {};
    if (rest.startsWith('{')) {
      for (rest = rest.slice(1); ;) {
        const [all = '', label = '', text = '', end] = labelOf.exec(rest) ?? [];
        if (label === '' || Object.hasOwn(labels, label)) throw new Error(`Not a sample: ${line}`);
        labels[label] = text;
        rest = rest.slice(all.length);
        if (end === '}') break;
      }
    }
    if (name === '' || !valueOf.test(rest)) throw new Error(`Not a sample: ${line}`);
    this.checkFamily(name, line);
    return { name, labels, value: Number(rest.trim().replace('Inf', 'Infinity')) };
  }

  private checkFamily(name: string, line: string): void {
    const isKnown = [...this.types].some(([family, type]) =>
      suffixes[type]!.some((suffix) => family + suffix === name),
    );
    if (!isKnown) throw new Error(`Its type was not told before: ${line}`);
  }

  private checkHistograms(): void {
    for (const [family, type] of this.types) {
      if (type !== 'histogram') continue;
      for (const { labels, value } of this.samples.filter(({ name }) => name === `${family}_count`)) {
        const buckets = this.samples.filter(
          ({ name, labels: { le: _le, ...others } }) =>
            name === `${family}_bucket` &&
            keyOf({ name, labels: others, value }) === keyOf({ name, labels, value }),
        );
        const counts = buckets.map((bucket) => bucket.value);
        const isRising = counts.every((count, at) => at === 0 || count >= counts[at - 1]!);
        const last = buckets.at(-1);
        if (!isRising || last?.labels['le'] !== '+Inf' || last.value !== value) {
          throw new Error(`The buckets of ${keyOf({ name: family, labels, value })} do not add up.`);
        }
      }
    }
  }
}

function keyOf({ name, labels }: MetricSample): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${name}{${sorted.map(([label, text]) => `${label}="${text}"`).join(',')}}`;
}
