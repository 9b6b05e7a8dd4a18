// Writes deploy/redis/users.acl from the list of commands in the code; with --prefix it prints the file for another one.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setUpOrExit } from './setup.mjs';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const { values } = parseArgs({ options: { prefix: { type: 'string' } } });
// Standard output is the file, to be redirected.
await setUpOrExit({ build: true, redis: false });
const { redisUsers } = createRequire(import.meta.url)(join(root, 'dist/platform/redis/redis-rights.js'));

if (values.prefix === undefined) writeFileSync(join(root, 'deploy/redis/users.acl'), redisUsers('bull'));
else process.stdout.write(redisUsers(values.prefix));
