import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { FeedPagingDto } from './feed-paging.dto';
import { JsonMappingDto } from './json-mapping.dto';
import { pointerNames } from './json-pointer';

const strict = { whitelist: true, forbidNonWhitelisted: true };
const offences = (kind: new () => object, value: object) =>
  validateSync(plainToInstance(kind, value), strict).map(({ property }) => property);

describe('a mapping', () => {
  it('takes JSON pointers', () => {
    const mapping = {
      list: '',
      guid: '/id',
      title: '/a~1b/~0',
      categories: '/tags/*/name',
      fields: { pay: '/p/0' },
    };
    expect(offences(JsonMappingDto, mapping)).toEqual([]);
    expect(pointerNames('')).toEqual([]);
    expect(pointerNames('/a~1b/~0/*//0')).toEqual(['a/b', '~', '*', '', '0']);
    expect(() => pointerNames('items')).toThrow('JSON pointer such as /data/items');
  });

  it.each<[object, string[]]>([
    [{}, ['list']],
    [{ list: 'items' }, ['list']],
    [{ list: '/a~2' }, ['list']],
    [{ list: '/a'.repeat(17) }, ['list']],
    [{ list: `/${'a'.repeat(600)}` }, ['list']],
    [{ list: '', guid: null }, ['guid']],
    [{ list: '', textType: 'xml' }, ['textType']],
    [{ list: '', fields: [] }, ['fields']],
    [{ list: '', fields: { 'a b': '/a' } }, ['fields']],
    [{ list: '', fields: { a: 'a' } }, ['fields']],
    [
      { list: '', fields: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`f${n}`, '/a'])) },
      ['fields'],
    ],
    [{ list: '', script: 'x' }, ['script']],
  ])('refuses %j', (mapping, expected) => {
    expect(offences(JsonMappingDto, mapping)).toEqual(expected);
  });
});

describe('a way to page', () => {
  it.each<[object]>([
    [{ by: 'link-header' }],
    [{ by: 'document', maxPages: 5 }],
    [{ by: 'cursor', path: '/next', parameter: 'after', otherHosts: ['api.example.org:8443'] }],
    [{ by: 'next-url', path: '/links/next' }],
    [{ by: 'page', parameter: 'page[number]', firstPage: 0 }],
  ])('may be %j', (paging) => {
    expect(offences(FeedPagingDto, paging)).toEqual([]);
  });

  it.each<[object, string[]]>([
    [{}, ['by']],
    [{ by: 'magic' }, ['by']],
    [{ by: 'cursor' }, ['path', 'parameter']],
    [{ by: 'next-url' }, ['path']],
    [{ by: 'page', parameter: 'a&b=' }, ['parameter']],
    [{ by: 'link-header', maxPages: 0 }, ['maxPages']],
    [{ by: 'link-header', maxPages: null }, ['maxPages']],
    [{ by: 'link-header', otherHosts: ['https://example.org'] }, ['otherHosts']],
    [
      { by: 'link-header', otherHosts: Array.from({ length: 11 }, (_, n) => `h${n}.example.org`) },
      ['otherHosts'],
    ],
  ])('may not be %j', (paging, expected) => {
    expect(offences(FeedPagingDto, paging)).toEqual(expected);
  });
});
