import type { Browser, BrowserContext, Page } from 'playwright-core';
import { BOOTSTRAP_KEY } from '../support/authorization-scene';
import { openBrowser } from '../support/browser';
import { eventually } from '../support/eventually';
import { servePage } from '../support/page-server';
import { ServedScene } from '../support/served-scene';
import { leaving, logIn } from './log-in';

const BOARD = '/admin/queues';

interface QueueNumbers {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly completed: number;
  readonly failed: number;
  readonly paused: boolean;
}

interface Form {
  readonly action: string;
  readonly type: string;
  readonly name: string;
  readonly value: string;
}

const job = '{"name":"test-job","data":{"message":"of another site"},"options":{}}';
const types = ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data'];
const forms: readonly Form[] = types.flatMap((type) => [
  { action: `${BOARD}/api/queues/default/add`, type, name: job.slice(0, 20), value: job.slice(20) },
  { action: '/api/queue/jobs', type, name: '{"type":"test-job","data":{"message":"', value: '"}}' },
  { action: '/ui/login', type, name: 'key', value: BOOTSTRAP_KEY },
  { action: '/ui/logout', type, name: 'leave', value: 'yes' },
]);

describe('a browser', () => {
  let served: ServedScene;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  beforeAll(async () => {
    served = await ServedScene.start();
    browser = await openBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    await served.close();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    page = await context.newPage();
  });
  afterEach(() => context.close());

  const path = () => new URL(page.url()).pathname;
  const enter = async () => {
    await page.goto(`${served.url}/ui/login`);
    await logIn(page, BOOTSTRAP_KEY);
    expect(path()).toBe(BOARD);
  };
  const defaultQueue = async () => {
    const { stats } = await served.ask<{ stats: QueueNumbers[] }>('GET', '/api/queue/stats?queue=default');
    const { waiting, active, delayed, completed, failed, paused } = stats[0]!;
    return { jobs: waiting + active + delayed + completed + failed, paused };
  };

  it('is led from the dashboard to the form, told that a key is wrong, and led back by the right one', async () => {
    await page.goto(`${served.url}${BOARD}/queue/default`);
    expect(path()).toBe('/ui/login');
    await logIn(page, 'wrong');
    expect(await page.getByRole('alert').textContent()).toContain('no key of this server');
    expect(await context.cookies()).toEqual([]);
    await logIn(page, BOOTSTRAP_KEY);
    expect(path()).toBe(`${BOARD}/queue/default`);
    await page.getByRole('heading', { name: 'default' }).first().waitFor();
  });

  it('works with the keyboard alone: the field has the focus, and Enter sends it', async () => {
    await page.goto(`${served.url}/ui/login`);
    // A browser gives the focus with the first frame, which may come after the load.
    await page.locator('input[name=key]:focus').waitFor();
    await page.keyboard.type(BOOTSTRAP_KEY);
    await leaving(page, () => page.keyboard.press('Enter'));
    expect(path()).toBe(BOARD);
  });

  it('has a cookie that no script and no other site sees, until it logs out', async () => {
    await enter();
    const [cookie, ...others] = await context.cookies();
    expect(others).toEqual([]);
    expect(cookie).toMatchObject({ name: 'holdfast_session', httpOnly: true, sameSite: 'Strict', path: '/' });
    expect(await page.evaluate('document.cookie')).toBe('');
    await page.goto(`${served.url}/ui/login`);
    await leaving(page, () => page.getByRole('button', { name: 'Log out' }).click());
    expect(await context.cookies()).toEqual([]);
    // Whoever kept the cookie has nothing.
    await context.addCookies([cookie!]);
    await page.goto(`${served.url}${BOARD}`);
    expect(path()).toBe('/ui/login');
  });

  describe.each(['url', 'otherSite'] as const)('on a foreign page (%s) that posts here', (where) => {
    it.each(forms)('is refused: $type to $action', async ({ action, type, name, value }) => {
      await enter();
      const field = `<input name='${name}' value='${value}'>`;
      const form = `<form method="post" action="${served.url}${action}" enctype="${type}">${field}<button>Send</button></form>`;
      const foreign = await servePage(form);
      try {
        await page.goto(foreign[where]);
        const [answer] = await Promise.all([
          page.waitForResponse((response) => response.request().method() === 'POST'),
          page.getByRole('button', { name: 'Send' }).click(),
        ]);
        expect(answer.url()).toBe(`${served.url}${action}`);
        expect([401, 403, 415]).toContain(answer.status());
        expect(answer.headers()['set-cookie']).toBeUndefined();
        expect(await defaultQueue()).toEqual({ jobs: 2, paused: false });
        await page.goto(`${served.url}${BOARD}`);
        expect(path()).toBe(BOARD);
      } finally {
        await foreign.close();
      }
    });

    it('changes and reads nothing by a script', async () => {
      await enter();
      const foreign = await servePage('<!doctype html><title>x</title>');
      try {
        await page.goto(foreign[where]);
        const tries = [
          { path: `${BOARD}/api/queues/default/pause`, method: 'PUT' },
          { path: `${BOARD}/api/queues/default/add`, method: 'POST' },
          { path: '/api/queue/jobs', method: 'POST' },
          { path: `${BOARD}/api/queues`, method: 'GET' },
          { path: '/api/keys', method: 'GET' },
        ];
        for (const { path: target, method } of tries) {
          const init = JSON.stringify({ method, credentials: 'include' });
          const call = `fetch(${JSON.stringify(served.url + target)}, ${init})`;
          const outcome = await page.evaluate<string>(`${call}.then(() => 'read', () => 'kept away')`);
          expect([target, outcome]).toEqual([target, 'kept away']);
        }
        expect(await defaultQueue()).toEqual({ jobs: 2, paused: false });
      } finally {
        await foreign.close();
      }
    });

    it('shows none of our pages in a frame', async () => {
      await enter();
      const ours = [
        BOARD,
        `${BOARD}/queue/default`,
        `${BOARD}/static/favicon.ico`,
        '/ui/login',
        '/docs',
        '/openapi.json',
        '/problems',
        '/problems/job-not-found',
        '/api/queue/jobs',
        '/api/queue/jobs/nothing',
        '/nothing',
      ];
      // The last one may be framed, so that the others could be seen if they were.
      const all = [...ours.map((one) => `${served.url}${one}`), 'data:text/html,framed'];
      const frames = all.map((one) => `<iframe src="${one}"></iframe>`);
      const foreign = await servePage(`<!doctype html><title>x</title>${frames.join('')}`);
      try {
        await page.goto(foreign[where]);
        // A frame that is refused becomes an error of the browser, a moment after the page is there.
        await eventually(() => {
          const shown = page.frames().slice(1);
          expect(shown.map((frame) => frame.url())).toEqual([
            ...ours.map(() => 'chrome-error://chromewebdata/'),
            'data:text/html,framed',
          ]);
        }, 20_000);
      } finally {
        await foreign.close();
      }
    });
  });
});
