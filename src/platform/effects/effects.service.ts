import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service';
import { ownerOf, type EffectJob } from './effect-owner';
import { JobEffects } from './job-effects';

/** Lets handlers do each step of a job once, however often the job starts. */
@Injectable()
export class Effects {
  private readonly underWay = new Map<string, Promise<unknown>>();

  constructor(private readonly database: Database) {}

  /** The effects of one start of a job: pass what the handler was given. Throws for a job that was never started. */
  of(job: EffectJob, signal: AbortSignal): JobEffects {
    return new JobEffects(this.database, ownerOf(job), signal, this.underWay);
  }
}
