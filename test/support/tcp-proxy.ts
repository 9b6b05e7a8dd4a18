import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export type Fate = 'request is lost' | 'reply is lost';

interface Trap {
  readonly text: string;
  readonly fate: Fate;
  readonly spring: () => void;
}

/** Stands between a client and a server on this machine, and can make the network fail in one exact moment. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();
  private trap?: Trap;

  private constructor(
    private readonly server: Server,
    targetPort: number,
  ) {
    server.on('connection', (client) => this.join(client, connect(targetPort, '127.0.0.1')));
  }

  static async start(targetPort: number): Promise<TcpProxy> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return new TcpProxy(server, targetPort);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Resolves when a request with this text has come; from it on nothing passes on its connection any more. */
  lose(text: string, fate: Fate): Promise<void> {
    return new Promise((spring) => {
      this.trap = { text, fate, spring };
    });
  }

  /** Ends every connection; new ones pass. */
  cut(): void {
    this.trap = undefined;
    this.sockets.forEach((socket) => socket.destroy());
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((done) => this.server.close(done));
  }

  private join(client: Socket, server: Socket): void {
    let isCut = false;
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
    }
    client.on('data', (request) => {
      if (isCut) return;
      const { trap } = this;
      isCut = trap !== undefined && request.includes(trap.text);
      if (!isCut || trap?.fate === 'reply is lost') server.write(request);
      if (isCut) trap?.spring();
    });
    server.on('data', (reply) => {
      if (!isCut) client.write(reply);
    });
  }
}
