import { Controller, Get, Param } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { QueueList, QueueSettings } from './queue-settings.dto';
import { QueuesService } from './queues.service';

@ApiTags('Queues')
@Controller('api/queues')
export class QueuesController {
  constructor(private readonly queues: QueuesService) {}

  /** How every queue is set up: its job types, attempts, limits and retention. */
  @Get()
  async list(): Promise<QueueList> {
    return { queues: await this.queues.settings() };
  }

  /** How one queue is set up. */
  @Get(':queue')
  @ApiProblems('queue_not_found')
  async one(@Param('queue') name: string): Promise<QueueSettings | undefined> {
    const [settings] = await this.queues.settings(name);
    return settings;
  }
}
