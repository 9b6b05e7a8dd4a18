import { Global, Module } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { Admission } from './admission.service';
import { ApiKeys } from './api-keys.service';
import { AuthGuard } from './auth.guard';
import { Authenticator } from './authenticator.service';
import { KeyPresence } from './key-presence.service';
import { PayloadMask } from './payload-mask.interceptor';
import { Sessions } from './sessions.service';
import { TokenVerifier } from './token-verifier.service';

/** Admits nobody anywhere without a right to it; import it once, in the application's root, beside its stores. */
@Global()
@Module({
  providers: [
    KeyPresence,
    ApiKeys,
    TokenVerifier,
    Sessions,
    Authenticator,
    Admission,
    { provide: APP_GUARD, useClass: AuthGuard },
    { provide: APP_INTERCEPTOR, useClass: PayloadMask },
  ],
  exports: [KeyPresence, ApiKeys, Sessions, Authenticator, Admission],
})
export class AuthModule {}
