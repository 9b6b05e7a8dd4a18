import { get, type IncomingMessage } from 'node:http';

export interface Event {
  readonly event: string;
  readonly id?: string;
  readonly data: Record<string, unknown>;
}

/** One reader of a stream of events, on a connection of its own. */
export class Follower {
  readonly events: Event[] = [];

  private constructor(
    private readonly answer: IncomingMessage,
    readonly done: Promise<void>,
  ) {}

  static open(url: string, headers: Record<string, string> = {}): Promise<Follower> {
    return new Promise((resolve, reject) => {
      const request = get(url, { headers, agent: false }, (answer) => {
        const done = new Promise<void>((ended) => answer.once('close', ended));
        const follower = new Follower(answer, done);
        follower.read();
        resolve(follower);
      });
      request.once('error', reject);
    });
  }

  get status(): number {
    return this.answer.statusCode ?? 0;
  }

  get contentType(): string {
    return this.answer.headers['content-type'] ?? '';
  }

  names(): string[] {
    return this.events.map(({ event }) => event);
  }

  close(): void {
    this.answer.destroy();
  }

  private read(): void {
    let text = '';
    this.answer.on('error', () => undefined);
    this.answer.setEncoding('utf8').on('data', (chunk: string) => {
      const blocks = (text + chunk).split('\n\n');
      text = blocks.pop() ?? '';
      blocks.forEach((block) => this.take(block));
    });
  }

  private take(block: string): void {
    const fields = Object.fromEntries(
      block.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]),
    );
    if (fields['event'] === undefined) return;
    this.events.push({
      event: fields['event'],
      data: JSON.parse(fields['data'] ?? '{}') as Record<string, unknown>,
      ...(fields['id'] !== undefined && { id: fields['id'] }),
    });
  }
}
