import type { AlertedGroup } from './error-monitor.payload';

const MAX_LINE_CHARACTERS = 200;

const words = { new: 'New', regression: 'Back again', rate: 'Too often' } as const;

/** The mail of an alert, as `EMAIL_SEND` takes it. */
export function alertMail({
  to,
  groups,
  more,
}: {
  readonly to: string;
  readonly groups: readonly AlertedGroup[];
  readonly more: number;
}) {
  const total = groups.length + more;
  const title = total === 1 ? 'Jobs die of one error' : `Jobs die of ${total} errors`;
  const lines = groups.map(({ kind, queues, errorName, errorMessage, count, fingerprint }) =>
    oneLine(
      `${words[kind]}: ${errorName} in ${queues.join(', ')}, ${count} so far: ${errorMessage} (${fingerprint})`,
    ),
  );
  const rest = more > 0 ? [`… and ${more} more.`] : [];
  return {
    to,
    subject: title,
    template: 'notification',
    variables: { title, body: [...lines, ...rest].join('\n') },
  };
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ').slice(0, MAX_LINE_CHARACTERS);
}
