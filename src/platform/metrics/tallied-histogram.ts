import { Histogram, type Registry } from 'prom-client';

type Labels = Readonly<Record<string, string>>;
type Exported = Awaited<ReturnType<Histogram['get']>>;
type Value = Exported['values'][number];

/** Numbers of one series, sorted into buckets. */
export class Tally {
  /** One more than there are bounds, for what is above all of them. */
  readonly counts: number[];
  sum = 0;

  constructor(private readonly bounds: readonly number[]) {
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const { bounds } = this;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at += 1;
    this.counts[at]! += 1;
    this.sum += value;
  }
}

/**
 * A histogram whose series are found once and then only counted on: prom-client looks a series up by all of its labels
 * for each number, which took 1 µs of a job.
 */
export class TalliedHistogram extends Histogram {
  private readonly series: { readonly labels: Labels; readonly tally: Tally }[] = [];

  constructor(
    private readonly about: { readonly name: string; readonly help: string },
    private readonly bounds: readonly number[],
    labelNames: readonly string[],
    registry: Registry,
  ) {
    super({ ...about, labelNames, buckets: [...bounds], registers: [registry] });
  }

  /** A new series; its labels must be new as well. */
  tally(labels: Labels): Tally {
    const tally = new Tally(this.bounds);
    this.series.push({ labels, tally });
    return tally;
  }

  override get(): Promise<Exported> {
    return this.getForPromString();
  }

  /** What prom-client writes the text from. */
  async getForPromString(): Promise<Exported> {
    return {
      ...this.about,
      type: 'histogram' as unknown as Exported['type'],
      aggregator: 'sum',
      collect: () => undefined,
      values: this.series.flatMap(({ labels, tally }) => this.valuesOf(labels, tally)),
    };
  }

  private valuesOf(labels: Labels, { counts, sum }: Tally): Value[] {
    const { name } = this.about;
    let count = 0;
    const buckets = counts.map((own, at) => {
      count += own;
      return {
        metricName: `${name}_bucket`,
        labels: { ...labels, le: this.bounds[at] ?? '+Inf' },
        value: count,
      };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}
