// Makes a pair of keys for web push, as it stands in .env. Whoever replaces a pair loses every subscription made with it.
import { setUpOrExit } from './setup.mjs';

// The settings alone go to the standard output.
await setUpOrExit({ build: false, redis: false, say: (line) => console.error(line) });
const { default: webPush } = await import('web-push');
const { publicKey, privateKey } = webPush.generateVAPIDKeys();
console.log(`VAPID_PUBLIC_KEY=${publicKey}\nVAPID_PRIVATE_KEY=${privateKey}`);
console.error('Set VAPID_SUBJECT as well: mailto: or https://, where push services reach a person.');
