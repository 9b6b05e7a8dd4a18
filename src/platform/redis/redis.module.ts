import { Global, Module } from '@nestjs/common';
import { RedisConnections } from './redis-connections.service';
import { RedisInspector } from './redis-inspector.service';

@Global()
@Module({ providers: [RedisConnections, RedisInspector], exports: [RedisConnections, RedisInspector] })
export class RedisModule {}
