import { Injectable } from '@nestjs/common';
import type { Liquid, Template } from 'liquidjs';
import { ReviewWriter, type WrittenReview } from './review-writer';
import { reviewTemplate } from './review-template';
import type { TradeStatistics } from './trade-statistics';

let prepared: Promise<{ readonly liquid: Liquid; readonly template: Template[] }> | undefined;

/** Writes reviews from a template of ours: without a model, without a network, and the same each time. */
@Injectable()
export class TemplateReviewWriter extends ReviewWriter {
  async write(statistics: TradeStatistics): Promise<WrittenReview> {
    prepared ??= prepare();
    const { liquid, template } = await prepared;
    const text = String(await liquid.render(template, { ...statistics }));
    return {
      text: `${text.replaceAll(/\n{3,}/g, '\n\n').trim()}\n`,
      provider: 'embedded',
      model: 'template-1',
    };
  }
}

async function prepare(): Promise<{ liquid: Liquid; template: Template[] }> {
  const { Liquid: Engine } = await import('liquidjs');
  const liquid = new Engine({
    strictFilters: true,
    strictVariables: true,
    ownPropertyOnly: true,
    parseLimit: 100_000,
    renderLimit: 1_000,
    memoryLimit: 10_000_000,
    relativeReference: false,
    templates: {},
  });
  liquid.registerFilter('percent', (share: number) => `${(share * 100).toFixed(1)} %`);
  liquid.registerFilter('span', spanOf);
  liquid.registerFilter('day', (iso: string | null) => iso?.slice(0, 10) ?? 'the beginning');
  // A symbol may hold whatever a broker writes, and the text is Markdown.
  liquid.registerFilter('plain', (text: string | null) => (text ?? '').replaceAll(/[^\w.:/ -]/g, '·'));
  return { liquid, template: liquid.parse(reviewTemplate) };
}

function spanOf(seconds: number): string {
  const units: readonly (readonly [number, string])[] = [
    [86_400, 'day'],
    [3_600, 'hour'],
    [60, 'minute'],
  ];
  const [size, name] = units.find(([least]) => seconds >= least) ?? [1, 'second'];
  const count = Math.round((seconds / size) * 10) / 10;
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
