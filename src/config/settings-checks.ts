import { badCleanupRoots } from './cleanup-checks';
import { badLanguageModel } from './language-model-checks';
import { badNetworks } from './outbound-checks';
import { badPush } from './push-checks';
import { bucketAddress } from './storage-address';
import { tokenContradictions } from './token-checks';
import type { Settings } from './settings';

/** What is wrong with settings that are each well-formed: one sentence for each fault. */
export function faultsOf(settings: Settings): string[] {
  return [
    ...missingInProduction(settings),
    ...contradictions(settings),
    ...badAddresses(settings),
    ...badReportAddress(settings),
    ...badNetworks(settings),
    ...badCleanupRoots(settings),
    ...badStorage(settings),
    ...badLanguageModel(settings),
    ...badAlerts(settings),
    ...badPush(settings),
  ];
}

function badAlerts({ ERROR_ALERT_WEBHOOK_URL, ERROR_ALERT_WEBHOOK_SECRET }: Settings): string[] {
  if (ERROR_ALERT_WEBHOOK_URL === undefined || ERROR_ALERT_WEBHOOK_SECRET !== undefined) return [];
  return [
    'ERROR_ALERT_WEBHOOK_SECRET is missing: an alert without a signature could be anybody’s (whsec_ and random bytes in base64)',
  ];
}

function missingInProduction(settings: Settings): string[] {
  if (!settings.isProduction) return [];
  const missing: string[] = [];
  if (!settings.hasRedis) {
    missing.push('REDIS_URL is missing: in production name the Redis to use (or REDIS_HOST and its parts)');
  }
  if (settings.DATABASE_URL === undefined) {
    missing.push('DATABASE_URL is missing: in production name the PostgreSQL database to use');
  }
  return missing;
}

/** Addresses that only look like one; what is wrong is not shown, because a password may stand there. */
function badAddresses({ REDIS_URL, DATABASE_URL }: Settings): string[] {
  const found: string[] = [];
  if (REDIS_URL?.startsWith('redis') === true && !isAddress(REDIS_URL, /^(\/\d{0,4})?$/)) {
    found.push(
      'REDIS_URL cannot be read: write redis://user:password@host:port/0, special signs percent-encoded',
    );
  }
  // PostgreSQL's own form without a host is no URL for everybody.
  if (
    DATABASE_URL?.startsWith('postgres') === true &&
    !isAddress(DATABASE_URL.replace(':///', '://localhost/'))
  ) {
    found.push(
      'DATABASE_URL cannot be read: write postgres://user:password@host:port/database, special signs percent-encoded',
    );
  }
  return found;
}

function badStorage({ STORAGE_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }: Settings): string[] {
  if (STORAGE_URL?.startsWith('s3://') !== true) return [];
  const address = bucketAddress(STORAGE_URL);
  const found = typeof address === 'string' ? [address] : [];
  if ((AWS_ACCESS_KEY_ID === undefined) !== (AWS_SECRET_ACCESS_KEY === undefined)) {
    found.push('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together: set both, or neither');
  }
  return found;
}

/** What Sentry's own reader takes; it would say the whole address where it does not. */
function badReportAddress({ SENTRY_DSN }: Settings): string[] {
  if (SENTRY_DSN === undefined || isReportAddress(SENTRY_DSN)) return [];
  return ['SENTRY_DSN cannot be read: write https://<public key>@host/<project number>, as Sentry shows it'];
}

function isReportAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, pathname, search, hash } = new URL(text);
  return (
    /^https?:$/.test(protocol) &&
    /^\w{1,100}$/.test(username) &&
    /^\w{0,100}$/.test(password) &&
    /^\d{1,20}$/.test(pathname.slice(pathname.lastIndexOf('/') + 1)) &&
    search === '' &&
    hash === ''
  );
}

function isAddress(text: string, path = /^/): boolean {
  try {
    const { username, password, pathname } = new URL(text);
    [username, password].forEach((part) => decodeURIComponent(part));
    return path.test(pathname);
  } catch {
    return false;
  }
}

function contradictions(settings: Settings): string[] {
  const ways = [settings.REDIS_URL, settings.REDIS_SENTINELS, settings.REDIS_CLUSTER_NODES].filter(Boolean);
  const found: string[] = [];
  if (ways.length > 1) {
    found.push('REDIS_URL, REDIS_SENTINELS and REDIS_CLUSTER_NODES exclude each other: set one of them');
  }
  return [...found, ...tokenContradictions(settings)];
}
