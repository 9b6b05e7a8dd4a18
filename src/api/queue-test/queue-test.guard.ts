import { Injectable, type CanActivate } from '@nestjs/common';
import { Settings } from '../../config/settings';
import { problem } from '../../platform/problems/problem-catalogue';

/** Where the test of the queue is switched off, its path does not exist. */
@Injectable()
export class QueueTestGuard implements CanActivate {
  constructor(private readonly settings: Settings) {}

  canActivate(): boolean {
    if (this.settings.isQueueTestEnabled) return true;
    throw problem('route_not_found');
  }
}
