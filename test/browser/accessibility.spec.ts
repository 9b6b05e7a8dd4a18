import axe, { type AxeResults } from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { problemType } from '../../src/platform/problems/problem-catalogue';
import { BOOTSTRAP_KEY } from '../support/authorization-scene';
import { openBrowser } from '../support/browser';
import { servePage } from '../support/page-server';
import { ServedScene } from '../support/served-scene';
import { logIn } from './log-in';

const rules = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] };
const widths = [1280, 390];
const schemes = ['light', 'dark'] as const;
// One of each form: worth repeating or not; all others differ in their words alone.
const problems = (['rate_limited', 'job_not_found'] as const).map(problemType);
const looks = widths.flatMap((width) => schemes.map((colorScheme) => ({ width, colorScheme })));

describe('pages of our own', () => {
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
  afterEach(() => context.close());

  const begin = async (width = 1280, colorScheme: 'light' | 'dark' = 'light') => {
    context = await browser.newContext({ viewport: { width, height: 844 }, colorScheme });
    page = await context.newPage();
  };

  async function violations(): Promise<string[]> {
    await page.evaluate(axe.source);
    const { violations: found } = await page.evaluate<AxeResults>(`axe.run(${JSON.stringify(rules)})`);
    const isWider = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
    return [
      ...found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
      ...(isWider ? ['wider than the window'] : []),
    ].map((text) => `${page.url()} ${text}`);
  }

  it.each(looks)('have no A or AA violation at $width px in $colorScheme', async ({ width, colorScheme }) => {
    await begin(width, colorScheme);
    const found: string[] = [];
    for (const path of ['/ui/login', '/problems', ...problems]) {
      await page.goto(`${served.url}${path}`);
      found.push(...(await violations()));
    }
    await page.goto(`${served.url}/ui/login`);
    await logIn(page, 'wrong');
    await page.getByRole('alert').waitFor();
    found.push(...(await violations()));
    await logIn(page, BOOTSTRAP_KEY);
    await page.goto(`${served.url}/ui/login`);
    await page.getByRole('button', { name: 'Log out' }).waitFor();
    found.push(...(await violations()));
    await page.goto(`${served.url}/ui/outbox`);
    await page.getByRole('heading', { name: 'Outbox' }).waitFor();
    found.push(...(await violations()));
    expect(found).toEqual([]);
  });

  it('would be found out: a page with violations has them reported', async () => {
    await begin(390);
    const bad =
      '<!doctype html><title></title><img src="data:,"><p style="color:#ccc;width:900px">pale</p><input>';
    const server = await servePage(bad);
    try {
      await page.goto(server.url);
      const found = (await violations()).join('\n');
      for (const rule of [
        'document-title',
        'html-has-lang',
        'image-alt',
        'color-contrast',
        'label',
        'wider',
      ]) {
        expect(found).toContain(rule);
      }
    } finally {
      await server.close();
    }
  });
});
