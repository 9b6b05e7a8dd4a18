import { Global, Module } from '@nestjs/common';
import { RedisConnections } from './redis-connections.service';
import { RedisInspector } from './redis-inspector.service';
import { RedisVitalsReader } from './redis-vitals.service';

@Global()
@Module({
  providers: [RedisConnections, RedisInspector, RedisVitalsReader],
  exports: [RedisConnections, RedisInspector, RedisVitalsReader],
})
export class RedisModule {}
