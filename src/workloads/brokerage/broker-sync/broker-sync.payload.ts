import { IsUUID } from 'class-validator';

/** A name at rest. */
export const SYNC_CONNECTION = 'sync-connection';

/** Payload of `sync-connection`. */
export class SyncConnectionPayload {
  /** A connection of the tenant that the job belongs to; /api/brokerage/connections lists them. */
  @IsUUID()
  connectionId!: string;
}
