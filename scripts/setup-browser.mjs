import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileOnPath, isDebian, librariesOf, unpackFromDebian } from './setup-debian.mjs';
import { SetupError } from './setup-error.mjs';
import { withSetupLock } from './setup-lock.mjs';

const names = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];
const fix = 'install Chromium, or set CHROMIUM_PATH to one that runs';
// A browser that was just unpacked is read from the disk for the first time.
const startDeadlineMs = 60_000;

// Without a font of its own a bare machine has none, and Chromium draws no text without one.
const fontSettings = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir prefix="relative">usr/share/fonts</dir>
<cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`;

/** Has a page drawn, because `--version` is answered without half of what a browser needs; or why it cannot. */
function ask({ file, env }) {
  const page = 'data:text/html,<p>drawn</p>';
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--dump-dom', page];
  const settings = { encoding: 'utf8', env: { ...process.env, ...env }, timeout: startDeadlineMs };
  const { status, stdout, stderr, error } = spawnSync(file, args, settings);
  const isBrowser = status === 0 && stdout.includes('<p>drawn</p>');
  return { isBrowser, output: `${stderr ?? ''}${error?.message ?? ''}`.trim() };
}

function browserIn(program) {
  return {
    file: join(program, 'usr', 'lib', 'chromium', 'chromium-headless-shell'),
    env: { LD_LIBRARY_PATH: librariesOf(program), FONTCONFIG_FILE: join(program, 'fonts.conf') },
  };
}

/** The browser that CHROMIUM_PATH, PATH or one of the homes leads to, if any; throws when CHROMIUM_PATH is wrong. */
function findBrowser(homes) {
  const chosen = process.env.CHROMIUM_PATH;
  if (chosen) {
    const { isBrowser, output } = ask({ file: chosen });
    if (isBrowser) return { file: chosen, env: {} };
    throw new SetupError(`${output}\nCHROMIUM_PATH leads to no Chromium that runs: ${fix}.`.trim());
  }
  const onPath = names.map(fileOnPath).filter(Boolean);
  const candidates = [
    ...onPath.map((file) => ({ file, env: {} })),
    ...homes.map((home) => browserIn(join(home, 'browser', 'program'))),
  ];
  return candidates.find((browser) => existsSync(browser.file) && ask(browser).isBrowser);
}

function unpackBrowser(home, say) {
  if (!isDebian()) throw new SetupError(`There is no Chromium on PATH: ${fix}.`);
  const directory = join(home, 'browser');
  say(`Fetching a private Chromium with apt-get download into ${directory} (no root, 100 MB).`);
  unpackFromDebian({
    directory,
    // Its tables of characters are in the common package.
    packages: ['chromium-headless-shell', 'chromium-common', 'fonts-dejavu-core'],
    title: 'Chromium',
    fix,
    complete: (draft) => {
      writeFileSync(join(draft, 'fonts.conf'), fontSettings);
      const { isBrowser, output } = ask(browserIn(draft));
      if (!isBrowser) throw new SetupError(`${output}\nThe downloaded Chromium does not run here: ${fix}.`);
    },
  });
}

/**
 * A Chromium for the browser tests: found, or on Debian and Ubuntu fetched into the first home. Throws a SetupError.
 * @param {string[]} homes
 * @param {(line: string) => void} say
 * @returns {Promise<{ file: string, env: Record<string, string> }>} the program and what it needs in its environment
 */
export async function provideBrowser(homes, say) {
  const found = findBrowser(homes);
  if (found) return found;
  const [home] = homes;
  mkdirSync(home, { recursive: true });
  return await withSetupLock(join(home, 'browser.lock'), say, () => {
    // Another run may have fetched it meanwhile.
    if (!findBrowser(homes)) unpackBrowser(home, say);
    return findBrowser(homes);
  });
}
