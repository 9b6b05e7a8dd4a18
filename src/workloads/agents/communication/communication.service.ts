import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../../platform/database/database.service';
import { Outbox } from '../../../platform/outbox/outbox.service';
import { jobId } from '../../../platform/queue/job-id';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import type { AgentJob } from '../agent-job';
import { CharterRequests } from '../charter-requests.store';
import { Proposals } from '../proposals.store';
import type { CommunicationPayload } from './communication.payload';
import { proposalMail } from './proposal-mail';

const MAIL = { type: 'EMAIL_SEND', queue: 'email' } as const;

export interface CommunicationResult {
  readonly success: boolean;
  readonly requestId: string;
  readonly proposalId: string;
  /** The job that sends the mail; null where the request was cancelled before. */
  readonly emailJobId: string | null;
}

/** Writes to clients: promises the mail with a proposal, once per proposal whatever happens. */
@Injectable()
export class CommunicationService {
  constructor(
    private readonly requests: CharterRequests,
    private readonly proposals: Proposals,
    private readonly outbox: Outbox,
  ) {}

  /** Throws HopelessJobError where there is no such proposal. */
  async send(payload: CommunicationPayload, job: AgentJob): Promise<CommunicationResult> {
    const { requestId, proposalId } = payload;
    const emailJobId = await job.effects.once('send', (transaction) =>
      this.promiseMail(transaction, payload, job),
    );
    this.outbox.wakeRelay();
    return { success: emailJobId !== null, requestId, proposalId, emailJobId };
  }

  private async promiseMail(
    transaction: Transaction,
    { proposalId, recipientEmail }: CommunicationPayload,
    { tenant, caller }: AgentJob,
  ): Promise<string | null> {
    const proposal = await this.proposals.findIn(transaction, proposalId, tenant);
    if (proposal === undefined) throw new HopelessJobError(`There is no proposal ${proposalId}.`);
    const request = await this.requests.lock(transaction, proposal.requestId, tenant);
    if (request === undefined || request.status === 'cancelled') return null;
    // One proposal is one mail, also where another job asks for it: its key gives it one Message-ID.
    if (proposal.emailJobId !== null) return proposal.emailJobId;
    const key = `proposal:${proposalId}`;
    await this.outbox.put(transaction, {
      type: MAIL.type,
      key,
      payload: proposalMail(proposal, request, recipientEmail),
      tenant,
      ...(caller !== undefined && { caller }),
    });
    const emailJobId = jobId(MAIL.queue, key, tenant);
    await this.proposals.settleSent(transaction, proposal, { recipientEmail, emailJobId });
    const status = proposal.options.length > 0 ? 'proposed' : 'no_offer';
    await this.requests.settleProposal(transaction, proposal.requestId, tenant, status);
    return emailJobId;
  }
}
