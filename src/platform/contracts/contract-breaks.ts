import { ruleChange } from './rule-change';
import type { Contracts, FieldContract, Fields, JobContract } from './payload-contract';

export interface ContractComparison {
  /** What would refuse payloads that were accepted before: one sentence each. */
  readonly breaks: readonly string[];
  /** What the record does not know yet and harms no stored job: one sentence each. */
  readonly news: readonly string[];
}

/** Compares what was promised with what is declared now, type by type. */
export function compareContracts(recorded: Contracts, declared: Contracts): ContractComparison {
  const breaks: string[] = [];
  const news: string[] = [];
  for (const [type, before] of Object.entries(recorded)) {
    const now = declared[type];
    const found = now === undefined ? gone(type, before) : compareJob(type, before, now);
    breaks.push(...found.breaks);
    news.push(...found.news);
  }
  const unknown = Object.keys(declared).filter((type) => !Object.hasOwn(recorded, type));
  news.push(...unknown.map((type) => `Job type "${type}" is new.`));
  return { breaks, news };
}

function gone(type: string, { version }: JobContract): ContractComparison {
  const sentence =
    `Job type "${type}" is gone, but jobs of version ${version} may still wait for it: ` +
    'keep it until none does, then take it out of the record by hand.';
  return { breaks: [sentence], news: [] };
}

function compareJob(type: string, before: JobContract, now: JobContract): ContractComparison {
  const moved =
    now.queue === before.queue
      ? []
      : [
          `Job type "${type}" has moved to queue "${now.queue}": its jobs in "${before.queue}" find no handler.`,
        ];
  if (now.version < before.version) {
    const sentence =
      `Job type "${type}" went back from version ${before.version} to ${now.version}: ` +
      'jobs of the newer version would be given back for ever.';
    return { breaks: [...moved, sentence], news: [] };
  }
  if (now.version > before.version) {
    return { breaks: moved, news: [`Job type "${type}" has gone to version ${now.version}.`] };
  }
  const { breaks, news } = compareFields('', before.fields, now.fields);
  const next = now.version + 1;
  return {
    breaks: [
      ...moved,
      ...breaks.map(
        (change) =>
          `Job type "${type}", ${change}: undo it, or declare version ${next} and upcast[${now.version}].`,
      ),
    ],
    news: news.map((change) => `Job type "${type}", ${change}.`),
  };
}

function compareFields(parent: string, before: Fields, now: Fields): ContractComparison {
  const breaks: string[] = [];
  const news: string[] = [];
  for (const [name, then] of Object.entries(before)) {
    const pointer = `${parent}/${name}`;
    const current = now[name];
    if (current === undefined) {
      breaks.push(`field ${pointer} is gone, so that payloads which have it are refused`);
      continue;
    }
    const found = compareField(pointer, then, current);
    breaks.push(...found.breaks);
    news.push(...found.news);
  }
  for (const [name, { required }] of Object.entries(now)) {
    if (Object.hasOwn(before, name)) continue;
    const pointer = `${parent}/${name}`;
    if (required) breaks.push(`field ${pointer} is new and required`);
    // Workers of the release before refuse what they do not know.
    else news.push(`field ${pointer} is new: workers of the release before refuse payloads that have it`);
  }
  return { breaks, news };
}

function compareField(pointer: string, before: FieldContract, now: FieldContract): ContractComparison {
  const breaks: string[] = [];
  const news: string[] = [];
  if (now.type !== before.type) {
    breaks.push(`field ${pointer} has changed from ${before.type} to ${now.type}`);
  }
  if (now.required && !before.required) breaks.push(`field ${pointer} is required now`);
  if (!now.required && before.required) news.push(`field ${pointer} is optional now`);
  for (const rule of new Set([...Object.keys(before.rules), ...Object.keys(now.rules)])) {
    const change = ruleChange(rule, before.rules[rule], now.rules[rule]);
    if (change === undefined) continue;
    (change.isBreak ? breaks : news).push(`field ${pointer} ${change.sentence}`);
  }
  const inner = compareFields(pointer, before.fields ?? {}, now.fields ?? {});
  return { breaks: [...breaks, ...inner.breaks], news: [...news, ...inner.news] };
}
