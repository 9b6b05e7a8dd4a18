import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { settingNames, Settings } from './settings';
import { faultsOf } from './settings-checks';

/** Thrown once for the whole environment; its message names every bad variable. */
export class SettingsError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(
      `These settings stop the server from starting:\n${problems.map((line) => `  - ${line}`).join('\n')}`,
    );
    this.name = 'SettingsError';
  }
}

/** Reads and checks the environment; an empty variable counts as not set. Throws {@link SettingsError}. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const known = Object.fromEntries(
    settingNames().flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])),
  );
  const settings = plainToInstance(Settings, known, { exposeDefaultValues: true });
  const problems = validateSync(settings, { skipMissingProperties: true }).flatMap((error) =>
    Object.values(error.constraints ?? {}).slice(0, 1),
  );
  problems.push(...faultsOf(settings));
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
}
