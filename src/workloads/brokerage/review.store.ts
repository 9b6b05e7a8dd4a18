import { Injectable } from '@nestjs/common';
import { and, desc, eq, sql, type SQL } from 'drizzle-orm';
import { Database } from '../../platform/database/database.service';
import { tradeReviews } from './brokerage.tables';
import type { RowPosition } from './connection.store';
import { isRowId, newRowId } from './row-id';

export type TradeReview = typeof tradeReviews.$inferSelect;

const KEPT_PER_USER = 200;

/** The newest reviews of each user. */
@Injectable()
export class ReviewStore {
  constructor(private readonly database: Database) {}

  /** Keeps a review, once for each job: resolves with the first one. The oldest of its user make room. */
  async put(review: Omit<TradeReview, 'id' | 'createdAt'>): Promise<TradeReview> {
    const [put] = await this.database.query
      .insert(tradeReviews)
      .values({ ...review, id: newRowId(), createdAt: new Date() })
      .onConflictDoNothing({ target: tradeReviews.jobId })
      .returning();
    const { tenant, userId } = review;
    const own = and(eq(tradeReviews.tenant, tenant), eq(tradeReviews.userId, userId));
    const oldestKept = this.database.query
      .select({ createdAt: tradeReviews.createdAt })
      .from(tradeReviews)
      .where(own)
      .orderBy(desc(tradeReviews.createdAt))
      .offset(KEPT_PER_USER - 1)
      .limit(1);
    await this.database.query
      .delete(tradeReviews)
      .where(and(own, sql`${tradeReviews.createdAt} < (${oldestKept})`));
    return put ?? (await this.findByJob(review.jobId))!;
  }

  async findByJob(jobId: string): Promise<TradeReview | undefined> {
    const [found] = await this.database.query
      .select()
      .from(tradeReviews)
      .where(eq(tradeReviews.jobId, jobId));
    return found;
  }

  async find(id: string, tenant: string): Promise<TradeReview | undefined> {
    if (!isRowId(id)) return undefined;
    const [found] = await this.database.query
      .select()
      .from(tradeReviews)
      .where(and(eq(tradeReviews.id, id), eq(tradeReviews.tenant, tenant)));
    return found;
  }

  /** Newest first. */
  async list(options: {
    tenant: string;
    userId: string;
    limit: number;
    before?: RowPosition;
  }): Promise<TradeReview[]> {
    const { tenant, userId, limit, before } = options;
    const conditions: SQL[] = [eq(tradeReviews.tenant, tenant), eq(tradeReviews.userId, userId)];
    if (before !== undefined) {
      const at = before.createdAt.toISOString();
      conditions.push(
        sql`(${tradeReviews.createdAt}, ${tradeReviews.id}) < (${at}::timestamptz, ${before.id}::uuid)`,
      );
    }
    return this.database.query
      .select()
      .from(tradeReviews)
      .where(and(...conditions))
      .orderBy(desc(tradeReviews.createdAt), desc(tradeReviews.id))
      .limit(limit);
  }
}
