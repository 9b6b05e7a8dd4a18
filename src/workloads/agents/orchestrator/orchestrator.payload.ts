import { IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';
import { MAX_MESSAGE_CHARACTERS } from '../../../integrations/charter-language/charter-extractor';
import { IsMailAddress } from '../../../integrations/mail/mail-address';
import { wellFormed, wellFormedSays } from '../../../platform/http/field-patterns';
import { AgentPayload } from '../agent-payload';

/** Payload of `orchestrator-job` (`OrchestratorJobData`). */
export class OrchestratorPayload extends AgentPayload {
  @IsIn(['analyze-request'])
  type!: 'analyze-request';

  /** What somebody wants, in their own words. */
  @IsString()
  @Length(1, MAX_MESSAGE_CHARACTERS)
  @Matches(wellFormed, wellFormedSays)
  message!: string;

  /** Where the proposal goes. */
  @IsOptional()
  @IsMailAddress()
  clientEmail?: string;
}
