import { chromium, type Browser } from 'playwright-core';

/** The Chromium that scripts/test-browser.mjs has found. */
export async function openBrowser(): Promise<Browser> {
  const given = process.env['TEST_BROWSER'];
  if (given === undefined) throw new Error('There is no browser: run `npm run test:browser`.');
  const { file, env } = JSON.parse(given) as { file: string; env: Record<string, string> };
  const { PATH = '', HOME = '' } = process.env;
  return chromium.launch({ executablePath: file, env: { PATH, HOME, ...env } });
}
