import type { Page } from 'playwright-core';

/**
 * Does what leads to another page, and resolves when that is there. The event `load` alone may still be that of the
 * page before.
 */
export async function leaving(page: Page, act: () => Promise<void>): Promise<void> {
  const left = page.waitForEvent('framenavigated');
  await act();
  await left;
  await page.waitForLoadState('load');
}

/** Sends the form that stands in the page, as a person does; resolves when the next page is there. */
export async function logIn(page: Page, key: string): Promise<void> {
  await page.getByLabel('Key').fill(key);
  await leaving(page, () => page.getByRole('button', { name: 'Log in', exact: true }).click());
}
