import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { QueueRegistry } from '../../platform/queue/queue-registry.service';
import { EventLoopWatch } from './event-loop-watch.service';

/** What the probes ask of the process itself. Each check throws one sentence that may be shown to anybody. */
@Injectable()
export class ProcessChecks implements OnModuleDestroy {
  private isStopping = false;

  constructor(
    readonly eventLoop: EventLoopWatch,
    private readonly registry: QueueRegistry,
  ) {}

  // The first hook of a stop: HTTP still answers, and goes on doing so until the jobs are through.
  onModuleDestroy(): void {
    this.isStopping = true;
  }

  isNotStopping(): void {
    if (this.isStopping) throw new Error('This process is shutting down.');
  }

  hasQueues(): { registered: number } {
    const registered = this.registry.all().length;
    if (registered === 0) throw new Error('No queue is registered.');
    return { registered };
  }
}
