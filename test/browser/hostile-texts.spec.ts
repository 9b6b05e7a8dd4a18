import type { Browser, BrowserContext, Page } from 'playwright-core';
import { problemCatalogue, problemType } from '../../src/platform/problems/problem-catalogue';
import { BOOTSTRAP_KEY } from '../support/authorization-scene';
import { openBrowser } from '../support/browser';
import { servePage } from '../support/page-server';
import { ServedScene } from '../support/served-scene';
import { HostileScene, QUEUE } from './hostile-scene';
import { FOREIGN, hostileTexts, RESULT, TRACE } from './hostile-texts';
import { logIn } from './log-in';
import { PageWatch } from './page-watch';

const BOARD = '/admin/queues';
// As many pages as the board needs for them; the first shows ten jobs.
const perText = Math.ceil(hostileTexts.length / 10);
const pagesOfState = {
  latest: 1,
  active: 1,
  waiting: perText,
  'waiting-children': 1,
  prioritized: perText,
  completed: 1,
  failed: perText,
  delayed: 1,
  paused: 1,
};
// Some 700 pages; the board takes two seconds for one of its own on a busy machine.
const deadlineMs = 600_000;
const none = { alerts: [], violations: [], foreign: [], errors: [] };
const part = encodeURIComponent;

describe('hostile texts in a browser', () => {
  let browser: Browser;
  let context: BrowserContext;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    context = await browser.newContext();
  });
  afterEach(() => context.close());

  describe('planted wherever somebody can write', () => {
    let served: ServedScene;
    let scene: HostileScene;
    let watch: PageWatch;
    let page: Page;
    let pages = 0;
    const watches: PageWatch[] = [];
    beforeAll(async () => {
      served = await ServedScene.start();
      scene = new HostileScene(served);
      await scene.plant();
    }, deadlineMs);
    afterAll(async () => {
      await served.close();
    });
    beforeEach(async () => {
      watch = await PageWatch.over(context, served.url);
      watches.push(watch);
      page = await context.newPage();
      await page.goto(`${served.url}/ui/login`);
      await logIn(page, BOOTSTRAP_KEY);
    });

    async function looked(): Promise<void> {
      pages += 1;
      await watch.inspect(page, TRACE, RESULT);
    }

    async function open(path: string): Promise<void> {
      await page.goto(`${served.url}${path}`);
      await looked();
    }

    /** The board asks for what it shows after its page has come. */
    async function openBoard(path: string): Promise<void> {
      await page.goto(`${served.url}${path}`, { waitUntil: 'networkidle' });
      await looked();
    }

    const text = () => page.evaluate<string>('document.body.textContent ?? ""');

    it(
      'are shown as they are on the dashboard, by a job in every tab',
      async () => {
        for (const [hostile, id] of scene.failed) {
          await openBoard(`${BOARD}/queue/${QUEUE}/${part(id)}`);
          expect(await text()).toContain(hostile);
          for (const tab of await page.getByRole('tab').all()) {
            await tab.click();
            await page.getByRole('tabpanel').first().waitFor();
            await watch.inspect(page, TRACE, RESULT);
          }
        }
        expect(watch.findings).toEqual(none);
      },
      deadlineMs,
    );

    it(
      'do nothing in the lists of the dashboard, in every state, among dead letters and schedulers',
      async () => {
        for (const [state, last] of Object.entries(pagesOfState)) {
          for (let number = 1; number <= last; number += 1) {
            await openBoard(`${BOARD}/queue/${QUEUE}?status=${state}&page=${number}`);
          }
        }
        for (let number = 1; number <= perText; number += 1) {
          await openBoard(`${BOARD}/queue/${QUEUE}_dlq?status=waiting&page=${number}`);
        }
        await openBoard(`${BOARD}/job-schedulers`);
        for (const hostile of hostileTexts) expect(await text()).toContain(hostile.trim());
        for (const path of [BOARD, `${BOARD}/metrics-history`]) await openBoard(path);
        expect(watch.findings).toEqual(none);
      },
      deadlineMs,
    );

    it(
      'do nothing in answers that are opened in a tab',
      async () => {
        const lists = [
          'queue/jobs',
          'queue/dead-letters',
          'queue/operations',
          'queue/audit',
          'queues',
          'queue/stats',
        ];
        for (const list of [...lists, 'keys', 'files', 'rule-sets', 'validations'])
          await open(`/api/${list}?limit=100`);
        for (const id of scene.jobs) await open(`/api/queue/jobs/${part(id)}`);
        for (const id of scene.failed.values()) {
          for (const rest of ['', '/attempts', '/result']) await open(`/api/queue/jobs/${part(id)}${rest}`);
        }
        for (const id of scene.deadLetters) await open(`/api/queue/dead-letters/${part(id)}`);
        for (const id of scene.runs) {
          for (const rest of ['', '/errors', '/logs']) await open(`/api/validations/${id}${rest}`);
        }
        for (const [index, id] of scene.files.entries()) {
          await open(`/api/files/${id}`);
          await open(`/api/keys/${scene.keys[index]}`);
          await open(`/api/rule-sets/rules-${index + 1}`);
        }
        expect(await text()).toContain('rules-');
        expect(watch.findings).toEqual(none);
      },
      deadlineMs,
    );

    it('do nothing as a file: its content is put down, never opened', async () => {
      for (const id of scene.files) {
        const [download] = await Promise.all([
          page.waitForEvent('download'),
          // The navigation ends with the download.
          page.goto(`${served.url}/api/files/${id}/content`).catch(() => undefined),
        ]);
        await download.cancel();
        await looked();
      }
      expect(watch.findings).toEqual(none);
    }, 120_000);

    it(
      'do nothing in an address, on our pages and on those of the documentation',
      async () => {
        for (const hostile of hostileTexts.map(part)) {
          for (const path of ['/', '/problems/', '/api/queue/jobs/', '/api/files/', '/api/rule-sets/']) {
            await open(`${path}${hostile}`);
          }
          await open(`/api/queue/jobs?status=${hostile}&q=${hostile}`);
          await openBoard(`${BOARD}/queue/${hostile}?status=${hostile}`);
        }
        for (const hostile of hostileTexts.slice(0, 3))
          await openBoard(`/docs?url=${part(hostile)}#/${part(hostile)}`);
        // Bull Board and Swagger UI complain of addresses that nobody has given them, in words only.
        expect({ ...watch.findings, errors: [] }).toEqual(none);
      },
      deadlineMs,
    );

    it('leave the pages alone that show no text of anybody', async () => {
      for (const code of Object.keys(problemCatalogue)) await open(problemType(code));
      for (const path of ['/problems', '/openapi.json', '/health', '/api/health/queue']) await open(path);
      await openBoard('/docs');
      expect(watch.findings).toEqual(none);
    }, 120_000);

    it('do nothing at the log-in, as the address to go to and as a key', async () => {
      await context.clearCookies();
      for (const hostile of hostileTexts) {
        await open(`/ui/login?next=${part(hostile)}`);
        await logIn(page, hostile.slice(0, 200));
        await page.getByRole('alert').waitFor();
        await looked();
      }
      await open(`/ui/login?next=${part(`javascript:window.${TRACE}=1`)}`);
      await logIn(page, BOOTSTRAP_KEY);
      expect(new URL(page.url()).origin).toBe(served.url);
      await looked();
      expect(watch.findings).toEqual(none);
    }, 120_000);

    it('leave no page out', () => {
      expect(pages).toBeGreaterThan(10 * hostileTexts.length);
      const sum = (name: keyof PageWatch['findings']) =>
        watches.reduce((count, { findings }) => count + findings[name].length, 0);
      const counts = (['alerts', 'violations', 'foreign'] as const).map((name) => `${name}=${sum(name)}`);
      process.stdout.write(`A09 strings=${hostileTexts.length} pages=${pages} ${counts.join(' ')}\n`);
    });
  });

  describe('in a page that does not defend itself', () => {
    const hostile = hostileTexts.join('\n');
    const filled = `<p>${RESULT}</p>`;

    async function seen(body: string, headers?: Record<string, string>): Promise<PageWatch> {
      const server = await servePage(`<!doctype html><title>x</title><body>${body}</body>`, headers);
      try {
        const watch = await PageWatch.over(context, server.url);
        const page = await context.newPage();
        await page.goto(server.url, { waitUntil: 'networkidle' });
        await watch.inspect(page, TRACE, RESULT);
        return watch;
      } finally {
        await server.close();
      }
    }

    it.each(['<img src=x onerror="window.__xss=1;alert(1)">', '<svg onload="window.__xss=1;alert(1)">'])(
      'are noticed when they run: %s',
      async (body) => {
        const { alerts } = await seen(body);
        expect(alerts).toContain('alert "1"');
        expect(alerts.join('\n')).toContain(`${TRACE} was set`);
      },
    );

    it('are noticed when they are loaded, and when a template is filled in', async () => {
      const { alerts, foreign } = await seen(`<img src="${FOREIGN}/a.png">${filled}`);
      expect(foreign).toEqual([`${FOREIGN}/a.png`]);
      expect(alerts.join('\n')).toContain('a template was filled in');
    });

    it('are noticed when only the policy held them up', async () => {
      const policy = { 'content-security-policy': "default-src 'none'" };
      const { violations } = await seen(hostile, policy);
      expect(violations.join('\n')).toContain('script-src-attr inline');
      expect(violations.join('\n')).toContain(FOREIGN);
    });
  });
});
