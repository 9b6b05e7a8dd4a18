import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuthorizationScene, BOOTSTRAP_KEY } from './authorization-scene';
import { ServerProcess } from './process';

/** The scene, served by the program as it is built; the server of this process plants what no caller can. */
export class ServedScene {
  private constructor(
    readonly scene: AuthorizationScene,
    private readonly served: ServerProcess,
    private readonly home: string,
  ) {}

  static async start(): Promise<ServedScene> {
    const scene = await AuthorizationScene.start();
    const { REDIS_URL = '', REDIS_PREFIX, DATABASE_URL = '' } = scene.server.settings;
    const home = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
    const served = await ServerProcess.start({
      HOLDFAST_HOME: home,
      ROLE: 'api',
      LOG_LEVEL: 'silent',
      HOLDFAST_BOOTSTRAP_KEY: BOOTSTRAP_KEY,
      REDIS_URL,
      REDIS_PREFIX,
      DATABASE_URL,
    });
    return new ServedScene(scene, served, home);
  }

  get url(): string {
    return this.served.url;
  }

  /** A request with the key of an administrator; throws where it is refused. */
  async ask<T = Record<string, unknown>>(method: string, path: string, body?: object): Promise<T> {
    const isForm = body instanceof FormData;
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${BOOTSTRAP_KEY}`,
        ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status}: ${text}`);
    return (text === '' ? {} : JSON.parse(text)) as T;
  }

  async close(): Promise<void> {
    this.served.signal('SIGTERM');
    await this.served.exit(30_000);
    await this.scene.server.close();
    await rm(this.home, { recursive: true, force: true });
  }
}
