import { Global, Module } from '@nestjs/common';
import { SecretsStep } from './secrets-step.service';
import { Secrets } from './secrets.service';

@Global()
@Module({ providers: [Secrets, SecretsStep], exports: [Secrets] })
export class SecretsModule {}
