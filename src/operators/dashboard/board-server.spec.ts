import { createBullBoard } from '@bull-board/api';
import { Logger } from '@nestjs/common';
import fastify from 'fastify';
import { bootstrapPrincipal } from '../../platform/auth/principal';
import { problem } from '../../platform/problems/problem-catalogue';
import type { BoardGate } from './board-gate.service';
import { BoardServer } from './board-server';

const paths = (method: string | readonly string[], url: string) =>
  [method]
    .flat()
    .map((one) => [one, url.replace(/:\w+/g, 'default').replace('*', 'favicon-32x32.png')] as const);

const letIn = { check: () => Promise.resolve(bootstrapPrincipal) };

async function boardBehind(gate: Pick<BoardGate, 'check'>) {
  const app = fastify();
  const routes: (readonly [string, string])[] = [];
  app.addHook('onRoute', ({ method, url }) => void routes.push(...paths(method, url)));
  const server = new BoardServer(gate as BoardGate);
  createBullBoard({ queues: [], serverAdapter: server });
  app.register(server.registerPlugin(), { prefix: '/admin/queues' });
  await app.ready();
  return { app, routes };
}

const headers = { 'content-type': 'application/json' };

describe('BoardServer', () => {
  it('passes no route that the board has by its gate', async () => {
    const check = jest.fn(() => Promise.reject(problem('unauthenticated')));
    const { app, routes } = await boardBehind({ check });
    expect(routes.length).toBeGreaterThan(40);
    for (const [method, url] of routes) {
      const { statusCode } = await app.inject({ method: method as 'GET', url, headers });
      expect({ method, url, statusCode }).toEqual({ method, url, statusCode: 401 });
    }
    expect(check).toHaveBeenCalledTimes(routes.length);
    await app.close();
  });

  it('serves its page without anything from a foreign host', async () => {
    const { app } = await boardBehind(letIn);
    const { statusCode, payload } = await app.inject({ method: 'GET', url: '/admin/queues' });
    expect(statusCode).toBe(200);
    expect(payload).toContain('<div id="root">');
    expect(payload).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    await app.close();
  });

  it('parses neither forms nor plain text, even behind an open gate', async () => {
    const { app } = await boardBehind(letIn);
    for (const type of ['application/x-www-form-urlencoded', 'text/plain']) {
      const { statusCode } = await app.inject({
        method: 'POST',
        url: '/admin/queues/api/queues/default/add',
        headers: { 'content-type': type },
        payload: 'name=x',
      });
      expect(statusCode).toBe(415);
    }
    await app.close();
  });

  it('keeps the text of an unexpected error in the log', () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const server = new BoardServer(letIn as unknown as BoardGate);
    const handled: Error[] = [];
    server.setErrorHandler((error) => {
      handled.push(error);
      return { status: 500, body: {} };
    });
    const handler = (server as unknown as { errorHandler: (error: Error) => unknown }).errorHandler;
    handler(new Error('password hunter2 in script 0123abc'));
    expect(handled[0]?.message).not.toContain('hunter2');
    expect(handled[0]).toMatchObject({ statusCode: 500 });
    expect(logged).toHaveBeenCalledTimes(1);
    logged.mockRestore();
  });
});
