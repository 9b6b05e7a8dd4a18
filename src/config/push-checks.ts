import { createECDH } from 'node:crypto';
import type { PushSettings, Vapid } from './push-settings';

interface Surroundings {
  readonly isProduction: boolean;
  readonly SECRETS_KEYS?: string;
}

/** What makes the settings of web push unusable, one sentence each. */
export function badPush(settings: PushSettings & Surroundings): string[] {
  const { vapid, VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT } = settings;
  if (vapid === undefined) {
    const isAnySet = [VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT].some((one) => one !== undefined);
    return isAnySet
      ? ['VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY and VAPID_SUBJECT belong together: set all of them, or none']
      : [];
  }
  const found: string[] = [];
  if (!isPair(vapid)) {
    found.push('VAPID_PUBLIC_KEY does not belong to VAPID_PRIVATE_KEY: take both from one npm run push:keys');
  }
  if (!isReachable(vapid.subject)) {
    found.push(
      'VAPID_SUBJECT must be an address where push services reach a person; some refuse one on localhost',
    );
  }
  if (settings.isProduction && settings.SECRETS_KEYS === undefined) {
    found.push('SECRETS_KEYS is missing: subscriptions to web push are kept sealed');
  }
  return found;
}

/** Also of keys that were told to be no keys already. */
function isPair({ publicKey, privateKey }: Vapid): boolean {
  const curve = createECDH('prime256v1');
  try {
    curve.setPrivateKey(privateKey, 'base64url');
    return curve.getPublicKey('base64url') === publicKey;
  } catch {
    return false;
  }
}

function isReachable(subject: string): boolean {
  // What is no address at all was told already.
  if (!URL.canParse(subject)) return true;
  const { protocol, hostname, pathname } = new URL(subject);
  const host = protocol === 'mailto:' ? pathname.slice(pathname.lastIndexOf('@') + 1) : hostname;
  return host !== '' && host.toLowerCase() !== 'localhost';
}
