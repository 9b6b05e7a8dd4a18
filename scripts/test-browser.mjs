// Makes the clone ready, finds or fetches a Chromium, then runs the browser tests, or just what the arguments name.
import { forgetSettings, prepareSuite, runJest } from './run-jest.mjs';
import { provideBrowser } from './setup-browser.mjs';
import { orExit, programHomes } from './setup.mjs';

const report = 'report-browser.json';

// The copy of an operator's home may be used, the data in it not.
const homes = programHomes();
forgetSettings();
await prepareSuite({ report });
const browser = await orExit(() => provideBrowser(homes, (line) => console.log(line)));
runJest({
  config: 'jest.browser.config.cjs',
  report,
  given: process.argv.slice(2),
  env: { TEST_BROWSER: JSON.stringify(browser) },
});
