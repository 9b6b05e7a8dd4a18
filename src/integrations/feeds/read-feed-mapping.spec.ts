import { ends, itemsIn, read, rss } from '../../../test/support/feed-texts';

describe('JSON of some other kind is read by a mapping', () => {
  const job = {
    key: 7,
    name: 'Cook',
    href: '/jobs/7',
    text: '<p>Cook</p>',
    posted: 1_672_740_000,
    tags: [{ name: 'food' }, { name: 'work' }],
    company: { name: 'Inn', 'a/b~c': true },
    salary: null,
    places: ['Rome', 'Bern'],
  };
  const mapping = {
    list: '/data/jobs',
    guid: '/key',
    title: '/name',
    link: '/href',
    content: '/text',
    publishedAt: '/posted',
    textType: 'html' as const,
    categories: '/tags/*/name',
    author: '/company/name',
    feedTitle: '/name',
    fields: {
      remote: '/company/a~1b~0c',
      salary: '/salary',
      places: '/places',
      first: '/places/0',
      none: '/x/y',
      tags: '/tags/*/name',
    },
  };

  it('to the last field', async () => {
    const document = JSON.stringify({ name: 'Jobs', other: [[{}], { items: [1] }], data: { jobs: [job] } });
    const [feed, item] = await read(document, { mapping });
    expect(feed).toMatchObject({ format: 'mapped-json', title: 'Jobs' });
    expect(item).toMatchObject({
      item: {
        guid: '7',
        title: 'Cook',
        link: 'https://news.example.org/jobs/7',
        content: { type: 'html', value: '<p>Cook</p>' },
        authors: [{ name: 'Inn', email: null, url: null }],
        categories: ['food', 'work'],
        publishedAt: '2023-01-03T10:00:00.000Z',
        fields: {
          remote: true,
          salary: null,
          places: ['Rome', 'Bern'],
          first: 'Rome',
          none: null,
          tags: ['food', 'work'],
        },
      },
    });
  });

  it.each<[string, object, string, string[]]>([
    ['a bare list', [{ key: 1 }, { key: 2 }], '', ['1', '2']],
    ['an object whose members are items', { a: { name: 'A' }, b: { name: 'B' } }, '', ['a', 'b']],
    [
      'lists in a list',
      { groups: [{ jobs: [{ key: 1 }] }, {}, { jobs: [{ key: 2 }] }] },
      '/groups/*/jobs',
      ['1', '2'],
    ],
    ['an empty list', { data: { jobs: [] } }, '/data/jobs', []],
    ['null instead of a list', { data: { jobs: null } }, '/data/jobs', []],
  ])('in %s', async (_what, document, list, guids) => {
    const events = await read(JSON.stringify(document), { mapping: { ...mapping, list } });
    expect(itemsIn(events).map(({ guid }) => guid)).toEqual(guids);
    expect(ends(events)).toBe('end');
  });

  it('and leaves out what is no item', async () => {
    const document = '[{"key":1},2,"three",[4],null,{},{"key":5}]';
    const events = await read(document, { mapping: { ...mapping, list: '' } });
    expect(
      events.flatMap((event) => (event.kind === 'rejected' ? [[event.position, event.reason]] : [])),
    ).toEqual([...[2, 3, 4, 5].map((position) => [position, 'item_not_an_object']), [6, 'item_empty']]);
    expect(events.at(-1)).toEqual({ kind: 'end', items: 2, rejected: 5, next: null });
  });

  it.each([
    ['{"data":{"jobs":7}}', mapping, 'mapped_list_missing'],
    ['{"jobs":[]}', mapping, 'mapped_list_missing'],
    ['{"jobs":[]}', undefined, 'mapping_missing'],
    ['[1]', undefined, 'mapping_missing'],
    [rss(''), mapping, 'document_not_a_feed'],
    ['<!DOCTYPE html><html></html>', mapping, 'document_is_html'],
  ])('%s is not what was declared', async (document, declared, reason) => {
    expect(ends(await read(document, declared === undefined ? {} : { mapping: declared }))).toBe(reason);
  });
});
