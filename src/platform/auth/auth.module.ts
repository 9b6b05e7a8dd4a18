import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuthGuard } from './auth.guard';
import { KeyVerifier } from './key-verifier.service';

/** Demands the key on every route that is not public; import it once, in the application's root. */
@Global()
@Module({
  providers: [KeyVerifier, { provide: APP_GUARD, useClass: AuthGuard }],
  exports: [KeyVerifier],
})
export class AuthModule {}
