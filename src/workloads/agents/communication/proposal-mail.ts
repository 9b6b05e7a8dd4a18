import type { CharterRequestRow, Proposal } from '../charter.tables';
import type { ProposedOption } from '../proposal';

/** The template of `EMAIL_SEND` that proposals take. */
export const PROPOSAL_TEMPLATE = 'charter_proposal';

const MAX_VARIABLE_CHARACTERS = 5_000;
const MAX_REASONS = 5;

interface ProposalMail {
  readonly to: string;
  readonly subject: string;
  readonly template: typeof PROPOSAL_TEMPLATE;
  readonly variables: Readonly<Record<string, string>>;
}

/** The mail with a proposal; each line of a variable is one of the mail. */
export function proposalMail(
  proposal: Pick<Proposal, 'options' | 'rejected' | 'caveats'>,
  request: Pick<CharterRequestRow, 'id' | 'clientName' | 'extraction'>,
  to: string,
): ProposalMail {
  const { options, rejected, caveats } = proposal;
  const route = routeOf(request);
  const name = request.clientName ?? '';
  return {
    to,
    subject: oneLine(options.length > 0 ? `Your charter flight: ${route}` : `No aircraft found: ${route}`),
    template: PROPOSAL_TEMPLATE,
    variables: {
      ...(name !== '' && { name: bounded(name) }),
      request: request.id,
      route: bounded(route),
      ...(options.length > 0
        ? { offers: bounded(options.map(offerLine).join('\n')) }
        : {
            reasons: bounded(
              rejected
                .slice(0, MAX_REASONS)
                .map(({ reason, count }) => `${count} × ${reason.replaceAll('_', ' ')}`)
                .join('\n'),
            ),
          }),
      ...(caveats.length > 0 && { notes: bounded(caveats.join('\n')) }),
    },
  };
}

function offerLine({
  rank,
  operatorName,
  aircraft,
  price,
  blockMinutes,
  fuelStopCount,
  summary,
}: ProposedOption): string {
  const plane = aircraft === undefined ? '' : `, ${aircraft}`;
  const time = blockMinutes === undefined ? '' : `, ${hours(blockMinutes)}`;
  const stops = fuelStopCount === undefined || fuelStopCount === 0 ? '' : `, ${fuelStopCount} fuel stop(s)`;
  return `${rank}. ${operatorName}${plane}: ${dollars(price)}${time}${stops}. ${summary}`;
}

function routeOf({ extraction }: Pick<CharterRequestRow, 'extraction'>): string {
  const legs = extraction?.legs ?? [];
  return legs
    .map(
      ({ departure, arrival, date }) =>
        `${departure.airport ?? departure.text} – ${arrival.airport ?? arrival.text}${date === null ? '' : ` on ${date}`}`,
    )
    .join(', ');
}

function hours(minutes: number): string {
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

function dollars(price: number): string {
  return `USD ${price.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ').slice(0, 300);
}

function bounded(text: string): string {
  return text.slice(0, MAX_VARIABLE_CHARACTERS);
}
