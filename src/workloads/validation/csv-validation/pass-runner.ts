import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { ValidationPassHooks, ValidationPassInput } from './validation-pass-contract';
import { ValidationThreads } from './validation-threads';

/** The engine behind a name that a test can take the place of. */
@Injectable()
export class PassRunner implements OnApplicationShutdown {
  private readonly threads = new ValidationThreads();

  readonly run = (input: ValidationPassInput, hooks: ValidationPassHooks) => this.threads.run(input, hooks);

  async onApplicationShutdown(): Promise<void> {
    await this.threads.close();
  }
}
