import { createBullBoard } from '@bull-board/api';
import { Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { DeadLetterQueues } from '../../platform/dead-letter/dead-letter-queues.service';
import { JobRetry } from '../../platform/dead-letter/job-retry.service';
import { JobRemovals } from '../../platform/queue/job-removals.service';
import { QueuePauses } from '../../platform/queue/queue-pauses.service';
import { QueueRegistry, type RegisteredQueue } from '../../platform/queue/queue-registry.service';
import { BoardDeadLetterQueue } from './board-dead-letter-queue';
import { BoardGate } from './board-gate.service';
import { BoardQueue } from './board-queue';
import { BoardServer } from './board-server';
import { LoginController } from './login.controller';

const PATH = '/admin/queues';

/** Bull Board at /admin/queues, with every queue of the registry. */
@Module({ controllers: [LoginController], providers: [BoardGate] })
export class DashboardModule implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly registry: QueueRegistry,
    private readonly gate: BoardGate,
    private readonly retries: JobRetry,
    private readonly deadLetters: DeadLetterQueues,
    private readonly removals: JobRemovals,
    private readonly pauses: QueuePauses,
  ) {}

  onModuleInit(): void {
    const server = new BoardServer(this.gate);
    server.setBasePath(PATH);
    createBullBoard({
      queues: [...this.registry.all()]
        .sort(byDomain)
        .flatMap((entry) => [
          new BoardQueue(entry, this.retries, this.removals, this.pauses),
          new BoardDeadLetterQueue(this.deadLetters.of(entry)),
        ]),
      serverAdapter: server,
      options: {
        uiConfig: {
          boardTitle: 'Holdfast',
          hideRedisDetails: true,
          hideDocsLink: true,
          miscLinks: [
            { text: 'API', url: '/docs' },
            { text: 'Log out', url: '/ui/login' },
          ],
        },
      },
    });
    this.host.httpAdapter.getInstance<FastifyInstance>().register(server.registerPlugin(), { prefix: PATH });
  }
}

function byDomain({ definition: a }: RegisteredQueue, { definition: b }: RegisteredQueue): number {
  return a.domain.localeCompare(b.domain) || a.name.localeCompare(b.name);
}
