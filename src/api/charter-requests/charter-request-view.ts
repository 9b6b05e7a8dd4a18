import type { CharterRequestRow, Proposal } from '../../workloads/agents/charter.tables';
import type { CharterRequestDto, CharterRequestEntryDto } from './charter-request.dto';

export const CHARTER_PATH = '/api/charter-requests';

/** What only `payloads:read` shows: who travels where, and what was said. */
export const hiddenOfRequest = [
  'message',
  'clientEmail',
  'clientName',
  'error',
  'request',
  'answers.*.answer',
  'questions.*.question',
  'proposal',
] as const;
export const hiddenOfRequests = hiddenOfRequest.map((member) => `items.*.${member}`);

export function charterPath(id: string): string {
  return `${CHARTER_PATH}/${encodeURIComponent(id)}`;
}

export function charterTag({ version }: CharterRequestRow): string {
  return `W/"${version}"`;
}

export function charterEntry(row: CharterRequestRow): CharterRequestEntryDto {
  const self = charterPath(row.id);
  const flow = row.flowId === null ? null : `/api/flows/${row.flowId}`;
  return {
    requestId: row.id,
    status: row.status,
    userId: row.userId,
    priority: row.priority,
    message: row.message,
    clientEmail: row.clientEmail,
    clientName: row.clientName,
    timeZone: row.timeZone,
    questions: row.status === 'needs_information' ? [...row.missing] : [],
    error: row.error,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    tookMs:
      row.proposedAt === null || row.completeAt === null
        ? null
        : row.proposedAt.getTime() - row.completeAt.getTime(),
    links: {
      self,
      answers: `${self}/answers`,
      cancel: `${self}/cancel`,
      job: `/api/queue/jobs/${row.jobId}`,
      flow,
      events: flow === null ? null : `${flow}/events`,
    },
  };
}

export function charterView(row: CharterRequestRow, proposal: Proposal | undefined): CharterRequestDto {
  return {
    ...charterEntry(row),
    provider: row.provider,
    usage: row.usage,
    request: row.extraction,
    answers: row.answers.map(({ field, answer, round }) => ({ field, answer, round })),
    proposal: proposal === undefined ? null : proposalView(proposal),
  };
}

function proposalView({
  id,
  options,
  rejected,
  caveats,
  recipientEmail,
  emailJobId,
  createdAt,
  sentAt,
}: Proposal) {
  return {
    id,
    options,
    rejected,
    caveats,
    recipientEmail,
    emailJobId,
    createdAt: createdAt.toISOString(),
    sentAt: sentAt?.toISOString() ?? null,
    links: { mail: emailJobId === null ? null : `/api/queue/jobs/${emailJobId}` },
  };
}
