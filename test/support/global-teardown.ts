import './global-setup';

/** Stops the stores of the run and removes their data. */
export default async function closeSuiteStores(): Promise<void> {
  await globalThis.closeSuiteStores?.();
}
