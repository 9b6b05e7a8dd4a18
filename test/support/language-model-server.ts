import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ModelQuestion {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: {
    readonly model: string;
    readonly messages: { readonly role: string; readonly content: string }[];
    readonly response_format?: { readonly type: string; readonly json_schema: { readonly strict: boolean } };
    readonly stream?: boolean;
    readonly max_tokens?: number;
    readonly input?: string[];
  };
}

export type ModelReply = (
  question: ModelQuestion,
  response: ServerResponse,
  request: IncomingMessage,
) => void;

/** An endpoint on loopback that speaks OpenAI's protocol; its replies are used up one by one until the last. */
export class LanguageModelServer {
  readonly asked: ModelQuestion[] = [];
  replies: ModelReply[] = [says('Hello.')];
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));

  async start(): Promise<this> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    return this;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  reset(...replies: ModelReply[]): void {
    this.asked.length = 0;
    this.replies = replies;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const question = {
      path: request.url ?? '',
      authorization: request.headers.authorization,
      body: JSON.parse(Buffer.concat(chunks).toString()) as ModelQuestion['body'],
    };
    this.asked.push(question);
    const reply = this.replies.length > 1 ? this.replies.shift()! : this.replies[0]!;
    reply(question, response, request);
  }
}

export const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): ModelReply {
  return (_question, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

/** An answer with this content, or with other fields of its message and choice. */
export function says(
  content: string | null,
  extras: { message?: object; choice?: object; usage?: unknown } = {},
): ModelReply {
  const message = { role: 'assistant', content, ...extras.message };
  const choices = [{ index: 0, message, finish_reason: 'stop', ...extras.choice }];
  return json({
    id: 'a',
    object: 'chat.completion',
    choices,
    usage: 'usage' in extras ? extras.usage : usage,
  });
}

export function fails(status: number, headers: Record<string, string> = {}): ModelReply {
  return json({ error: { message: 'what the endpoint says of a secret' } }, status, headers);
}

/** The events of a streamed answer, one for each text, with its end and its usage unless it is cut off. */
export function streams(texts: readonly string[], { isCut = false, finish = 'stop' } = {}): ModelReply {
  return (_question, response) => {
    const event = (body: unknown) => response.write(`data: ${JSON.stringify(body)}\n\n`);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const content of texts) event({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
    if (isCut) {
      response.write('data: {"choices":[{"ind', () => response.destroy());
      return;
    }
    event({ choices: [{ index: 0, delta: {}, finish_reason: finish }] });
    event({ choices: [], usage });
    response.end('data: [DONE]\n\n');
  };
}
