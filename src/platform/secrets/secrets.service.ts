import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Settings } from '../../config/settings';
import { QueueRegistry, type RegisteredQueue } from '../queue/queue-registry.service';
import { sealWith } from './payload-secrets';
import { SecretBox } from './secret-box';
import { secretFieldsOf } from './secret.decorator';

/** There is no key to seal anything with. */
export class SecretKeysMissingError extends Error {
  constructor() {
    super('SECRETS_KEYS is missing: nothing secret can be kept without it.');
    this.name = 'SecretKeysMissingError';
  }
}

/** The keys for secret fields: those of SECRETS_KEYS, or one of this machine's own outside of production. */
@Injectable()
export class Secrets implements OnModuleInit {
  private readonly logger = new Logger('Secrets');
  private keys?: SecretBox;

  constructor(
    private readonly settings: Settings,
    private readonly registry: QueueRegistry,
  ) {}

  /** Undefined where there are neither keys nor secret fields. */
  get box(): SecretBox | undefined {
    return this.keys;
  }

  /** The keys, for whoever seals rows of its own. Throws {@link SecretKeysMissingError} in production without SECRETS_KEYS. */
  require(): SecretBox {
    if (this.keys === undefined && this.settings.isProduction) throw new SecretKeysMissingError();
    return (this.keys ??= new SecretBox(this.ownKey()));
  }

  /** Throws in production where a queue has secret fields and there is no key for them. */
  onModuleInit(): void {
    const { SECRETS_KEYS, isProduction } = this.settings;
    const inNeed = this.registry.all().filter(hasSecrets);
    if (SECRETS_KEYS === undefined && inNeed.length === 0) return;
    if (SECRETS_KEYS === undefined && isProduction) {
      const names = inNeed.map(({ definition }) => definition.name).join(', ');
      throw new Error(`SECRETS_KEYS is missing: payloads of ${names} have secret fields.`);
    }
    const box = new SecretBox(SECRETS_KEYS ?? this.ownKey());
    this.keys = box;
    this.registry.all().forEach(({ queue }) => sealWith(queue, box));
  }

  private ownKey(): string {
    const path = join(this.settings.home, 'secrets.key');
    try {
      mkdirSync(this.settings.home, { recursive: true });
      writeFileSync(path, `local:${randomBytes(32).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 });
      this.logger.log(`Secret fields are sealed with a key of this machine: ${path}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    return readFileSync(path, 'utf8').trim();
  }
}

function hasSecrets({ definition }: RegisteredQueue): boolean {
  return Object.values(definition.jobs).some(({ payload }) => secretFieldsOf(payload).length > 0);
}
