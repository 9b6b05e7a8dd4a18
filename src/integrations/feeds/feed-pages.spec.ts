import { FeedReaderScene, type Reading } from '../../../test/support/feed-reader-scene';
import type { FeedPagingDto } from './feed-paging.dto';

const guids = ({ items }: Reading) => items.map(({ guid }) => guid);

describe('the feed reader', () => {
  const scene = new FeedReaderScene();
  const { publisher, canary, read } = scene;

  beforeAll(() => scene.open());
  afterAll(() => scene.close());
  beforeEach(() => scene.forget());

  describe('reads a source of several pages', () => {
    const mapping = { list: '/jobs', guid: '/id' };
    const jobs = (...ids: number[]) => ids.map((id) => ({ id }));
    /** Answers with the page whose path and query are asked for. */
    const pages = (answers: Record<string, [body: object | string, headers?: Record<string, string>]>) => {
      publisher.answer = ({ url: path = '' }, response) => {
        const [body, headers = {}] = answers[path] ?? ['', {}];
        response
          .writeHead(body === '' ? 404 : 200, headers)
          .end(typeof body === 'string' ? body : JSON.stringify(body));
      };
    };
    const ways: [string, FeedPagingDto, Parameters<typeof pages>[0]][] = [
      [
        'a Link header',
        { by: 'link-header' },
        {
          '/feed': [{ jobs: jobs(1, 2) }, { link: '</feed?p=2>; rel="next", </feed?p=9>; rel="last"' }],
          '/feed?p=2': [{ jobs: jobs(3) }],
        },
      ],
      [
        'a cursor in the body',
        { by: 'cursor', path: '/meta/next', parameter: 'after' },
        {
          '/feed': [{ meta: { next: 'a&b=c' }, jobs: jobs(1, 2) }],
          '/feed?after=a%26b%3Dc': [{ jobs: jobs(3), meta: { next: null } }],
        },
      ],
      [
        'a cursor that stays the same at the end',
        { by: 'cursor', path: '/next', parameter: 'after' },
        {
          '/feed': [{ jobs: jobs(1, 2), next: 7 }],
          '/feed?after=7': [{ jobs: jobs(3), next: 7 }],
        },
      ],
      [
        'an address in the body',
        { by: 'next-url', path: '/next' },
        {
          '/feed': [{ jobs: jobs(1, 2), next: '/feed/2' }],
          '/feed/2': [{ jobs: jobs(3), next: '' }],
        },
      ],
      [
        'page numbers until a page is empty',
        { by: 'page', parameter: 'page' },
        {
          '/feed': [{ jobs: jobs(1, 2) }],
          '/feed?page=2': [{ jobs: jobs(3) }],
          '/feed?page=3': [{ jobs: [] }],
        },
      ],
      [
        'page numbers until a page repeats',
        { by: 'page', parameter: 'page', firstPage: 0 },
        {
          '/feed': [{ jobs: jobs(1, 2) }],
          '/feed?page=1': [{ jobs: jobs(3) }],
          '/feed?page=2': [{ jobs: jobs(3) }],
        },
      ],
    ];

    it.each(ways)('by %s', async (_what, paging, answers) => {
      pages(answers);
      const reading = await read({ mapping, paging });
      expect(reading.error).toBeUndefined();
      expect([...new Set(guids(reading))]).toEqual(['1', '2', '3']);
      expect(reading.items.map(({ position }) => position)).toEqual(reading.items.map((_, at) => at + 1));
      expect(reading.events.filter(({ kind }) => kind === 'feed')).toHaveLength(1);
      expect(reading.last).toMatchObject({ kind: 'end', items: reading.items.length });
    });

    it.each([
      [
        'JSON Feed',
        '{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"ID"}],"next_url":"/feed/2"}',
      ],
      [
        'Atom',
        '<feed xmlns="http://www.w3.org/2005/Atom"><link rel="next" href="/feed/2"/><entry><id>ID</id></entry></feed>',
      ],
    ])('by what a %s says itself', async (_format, document) => {
      pages({
        '/feed': [document.replace('ID', 'a')],
        '/feed/2': [document.replace('ID', 'b').replace('/feed/2', '')],
      });
      expect(guids(await read({ paging: { by: 'document' } }))).toEqual(['a', 'b']);
    });

    it('never more than declared', async () => {
      publisher.answer = ({ url: path = '' }, response) => {
        const page = Number(path.split('=')[1] ?? 1);
        response.end(JSON.stringify({ jobs: jobs(page), next: page + 1 }));
      };
      const paging: FeedPagingDto = { by: 'cursor', path: '/next', parameter: 'page', maxPages: 3 };
      const reading = await read({ mapping, paging });
      expect(guids(reading)).toEqual(['1', '2', '3']);
      expect(reading.last).toMatchObject({ kind: 'broken', reason: 'too_many_pages' });
      const few = await read({ mapping, paging, limits: { maxItems: 2 } });
      expect(few.last).toMatchObject({ kind: 'broken', reason: 'too_many_items' });
      expect(guids(few)).toEqual(['1', '2']);
    });

    it('from its own host only, unless another one is declared', async () => {
      const elsewhere = `http://127.0.0.1:${canary.port}/`;
      pages({ '/feed': [{ jobs: jobs(1), next: elsewhere }] });
      const paging: FeedPagingDto = { by: 'next-url', path: '/next' };
      const reading = await read({ mapping, paging });
      expect(guids(reading)).toEqual(['1']);
      expect(reading.error).toMatchObject({ code: 'paging_refused', isRetryable: false });
      expect(canary.connections).toBe(0);
      const declared = { ...paging, otherHosts: [`127.0.0.1:${canary.port}`] };
      expect((await read({ mapping, paging: declared })).error).toMatchObject({ code: 'address_refused' });
    });

    it('and keeps what came before a page that fails', async () => {
      pages({ '/feed': [{ jobs: jobs(1), next: '/feed/2' }] });
      const reading = await read({ mapping, paging: { by: 'next-url', path: '/next' } });
      expect(guids(reading)).toEqual(['1']);
      expect(reading.error).toMatchObject({ code: 'not_found' });
    });
  });
});
