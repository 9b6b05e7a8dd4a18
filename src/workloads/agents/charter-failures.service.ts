import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Transaction } from '../../platform/database/database.service';
import { DeadLetterWriter, type ParkedLetter } from '../../platform/dead-letter/dead-letter-writer.service';
import { CharterRequests } from './charter-requests.store';

// The reading of a request, and the last job of its flow, which dies of all those that it cannot do without.
const decisive = new Set(['orchestrator-job', 'communication-job']);

/** Ends requests whose jobs have died, in the transaction in which their death is noted. */
@Injectable()
export class CharterFailures implements OnModuleInit {
  constructor(
    private readonly writer: DeadLetterWriter,
    private readonly requests: CharterRequests,
  ) {}

  onModuleInit(): void {
    this.writer.onParked(async (transaction, letters) => {
      for (const letter of letters) await this.end(transaction, letter);
    });
  }

  private async end(
    transaction: Transaction,
    { type, tenant, payload, errorMessage }: ParkedLetter,
  ): Promise<void> {
    if (!decisive.has(type)) return;
    const requestId = requestOf(payload);
    if (requestId !== undefined) {
      await this.requests.fail(transaction, requestId, tenant, errorMessage);
    }
  }
}

/** Undefined for a payload that nobody could read. */
function requestOf(payload: string): string | undefined {
  try {
    const { requestId } = JSON.parse(payload) as { requestId?: unknown };
    return typeof requestId === 'string' ? requestId : undefined;
  } catch {
    return undefined;
  }
}
