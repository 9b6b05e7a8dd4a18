import { simpleParser, type ParsedMail } from 'mailparser';
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';

export interface ReceivedMail {
  readonly recipients: readonly string[];
  readonly mail: ParsedMail;
  readonly raw: string;
}

function refusal(code: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode: code });
}

/** A mail server of the test's own, on real sockets; some recipients are refused, and some mails never get their 250. */
export class SmtpSink {
  readonly received: ReceivedMail[] = [];
  /** By recipient: answers to give, one after the other, before it is accepted. */
  readonly refusals = new Map<string, number[]>();
  /** How many mails are still to be taken and never acknowledged. */
  dropsBeforeReply = 0;
  /** Whether mails are taken without an answer, until {@link letGo}. */
  holdsReplies = false;
  private readonly held: (() => void)[] = [];
  /** What the next mails are answered with as a whole. */
  readonly dataRefusals: number[] = [];
  private readonly server: SMTPServer;
  private readonly sockets = new Set<Socket>();

  constructor(private readonly account?: { user: string; pass: string }) {
    this.server = new SMTPServer({
      authOptional: account === undefined,
      disabledCommands: account === undefined ? ['AUTH', 'STARTTLS'] : ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _session, done) => {
        const isRight = username === account?.user && password === account?.pass;
        if (isRight) done(null, { user: username });
        else done(refusal(535, 'wrong user or password'));
      },
      onRcptTo: ({ address }, _session, done) => {
        const code = this.refusals.get(address.toLowerCase())?.shift();
        done(code === undefined ? null : refusal(code, `<${address}> is refused`));
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => void this.take(Buffer.concat(chunks), session, done));
      },
    });
    this.server.on('error', () => undefined);
    this.server.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
  }

  get url(): string {
    const { port } = this.server.server.address() as AddressInfo;
    const login = this.account === undefined ? '' : `${this.account.user}:${this.account.pass}@`;
    return `smtp://${login}127.0.0.1:${port}`;
  }

  async close(): Promise<void> {
    await new Promise<void>((done) => this.server.close(() => done()));
  }

  private async take(
    raw: Buffer,
    session: SMTPServerSession,
    done: (error?: Error | null) => void,
  ): Promise<void> {
    const code = this.dataRefusals.shift();
    if (code !== undefined) return done(refusal(code, 'the content is refused'));
    const mail = await simpleParser(raw);
    const recipients = session.envelope.rcptTo.map(({ address }) => address);
    this.received.push({ recipients, mail, raw: raw.toString('latin1') });
    if (this.dropsBeforeReply > 0) {
      this.dropsBeforeReply -= 1;
      // The mail is here, and its sender will never know.
      return this.cut();
    }
    if (this.holdsReplies) this.held.push(() => done());
    else done();
  }

  /** Answers what was held back, and whatever comes from now on. */
  letGo(): void {
    this.holdsReplies = false;
    this.held.splice(0).forEach((answer) => answer());
  }

  private cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}
