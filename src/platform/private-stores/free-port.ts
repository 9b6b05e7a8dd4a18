import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { PrivateStoreError } from './private-store-error';

// Below 32768, where Linux begins to hand out ports to outgoing connections: one of those could take a store's port
// in the moment between its death and its restart.
const lowestPort = 21_000;
const highestPort = 32_000;

/** True when a server of this user could listen on 127.0.0.1 at this port now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Gives the wished port when it is free, else a random free one between 21000 and 32000. */
export async function findFreePort(wishedPort?: number): Promise<number> {
  if (wishedPort !== undefined && (await isPortFree(wishedPort))) return wishedPort;
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(lowestPort, highestPort);
    if (await isPortFree(port)) return port;
  }
  throw new PrivateStoreError(
    `No free port was found between ${lowestPort} and ${highestPort} on 127.0.0.1; set REDIS_URL and DATABASE_URL to use other servers.`,
  );
}
