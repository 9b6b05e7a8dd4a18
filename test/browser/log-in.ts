import type { Page } from 'playwright-core';

/** Sends the form that stands in the page, as a person does; resolves when the next page is there. */
export async function logIn(page: Page, key: string): Promise<void> {
  await page.getByLabel('Key').fill(key);
  await Promise.all([
    page.waitForEvent('load'),
    page.getByRole('button', { name: 'Log in', exact: true }).click(),
  ]);
}
