import { IsIn, IsString, Matches } from 'class-validator';
import { IsMailAddress } from '../../../integrations/mail/mail-address';
import { AgentPayload } from '../agent-payload';

/** Payload of `communication-job` (`CommunicationJobData`). */
export class CommunicationPayload extends AgentPayload {
  @IsIn(['send-proposal'])
  type!: 'send-proposal';

  @IsString()
  @Matches(/^[A-Za-z0-9_.:-]{1,120}$/, {
    message: 'proposalId must be 1 to 120 letters, digits, dashes, underscores, dots or colons',
  })
  proposalId!: string;

  @IsMailAddress()
  recipientEmail!: string;
}
