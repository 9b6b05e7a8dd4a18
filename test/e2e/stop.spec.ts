import { once } from 'node:events';
import { connect } from 'node:net';
import { startTestServer } from '../support/server';

describe('a server that stops', () => {
  it('does not wait for a connection on which nothing was ever sent', async () => {
    const { url, close } = await startTestServer();
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const ended = once(socket, 'close');
    await close();
    await ended;
    expect(socket.destroyed).toBe(true);
  });
});
