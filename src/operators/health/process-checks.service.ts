import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { QueueRegistry } from '../../platform/queue/queue-registry.service';
import { FileStorage } from '../../platform/storage/file-storage.service';
import { WorkerRunner } from '../../platform/worker/worker-runner.service';
import { EventLoopWatch } from './event-loop-watch.service';

/** What the probes ask of the process itself. Each check throws one sentence that may be shown to anybody. */
@Injectable()
export class ProcessChecks implements OnModuleDestroy {
  private isStopping = false;

  constructor(
    readonly eventLoop: EventLoopWatch,
    private readonly registry: QueueRegistry,
    private readonly workers: WorkerRunner,
    private readonly files: FileStorage,
  ) {}

  // The first hook of a stop: HTTP still answers, and goes on doing so until the jobs are through.
  onModuleDestroy(): void {
    this.isStopping = true;
  }

  isNotStopping(): void {
    if (this.isStopping) throw new Error('This process is shutting down.');
  }

  takesJobs(): { paused: number } {
    const open = this.workers.openBreakers();
    if (open.length === 0) return { paused: 0 };
    const named = open.slice(0, 10).map(({ queue, reason }) => `${queue} (${reason})`);
    throw new Error(`Redis refuses the workers of ${named.join(', ')}; they try again by themselves.`);
  }

  /** Rejects while the store of files does not answer; without it other jobs and routes go on. */
  keepsFiles(): Promise<{ kind: string }> {
    return this.files.answers();
  }

  hasQueues(): { registered: number } {
    const registered = this.registry.all().length;
    if (registered === 0) throw new Error('No queue is registered.');
    return { registered };
  }
}
