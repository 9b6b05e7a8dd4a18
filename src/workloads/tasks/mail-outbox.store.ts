import { Injectable } from '@nestjs/common';
import { and, desc, eq, inArray, sql, type SQL } from 'drizzle-orm';
import { createHash } from 'node:crypto';
import { Database } from '../../platform/database/database.service';
import { mailOutbox, type OutboxMail } from './mail.tables';

// It is there to be looked at, and is no archive.
const KEPT_PER_TENANT = 1_000;
const REMOVED_AT_ONCE = 100;

export interface NewOutboxMail {
  readonly tenant: string;
  readonly messageId: string;
  readonly from: string;
  readonly recipients: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly eml: Buffer;
  readonly jobId: string;
}

/** What a list shows of a mail. */
export type OutboxEntry = Omit<OutboxMail, 'text' | 'html' | 'eml' | 'tenant'>;

export type OutboxPosition = Pick<OutboxMail, 'createdAt' | 'id'>;

const { text: _text, html: _html, eml: _eml, tenant: _tenant, ...entryColumns } = columns();

/** The newest thousand mails of each tenant that were not sent, because there is no server to send them to. */
@Injectable()
export class MailOutbox {
  constructor(private readonly database: Database) {}

  /** Keeps a mail, once for each Message-ID; resolves with its id. */
  async put({ from, eml, recipients, ...mail }: NewOutboxMail): Promise<string> {
    const id = `mail_${createHash('sha256').update(mail.messageId).digest('base64url').slice(0, 22)}`;
    await this.database.query
      .insert(mailOutbox)
      .values({ ...mail, id, sender: from, recipients, eml, bytes: eml.length })
      .onConflictDoNothing();
    await this.trim(mail.tenant);
    return id;
  }

  /** Newest first. */
  async list(options: { tenant: string; limit: number; after?: OutboxPosition }): Promise<OutboxEntry[]> {
    const { tenant, limit, after } = options;
    const conditions: SQL[] = [eq(mailOutbox.tenant, tenant)];
    if (after !== undefined) {
      const at = after.createdAt.toISOString();
      conditions.push(sql`(${mailOutbox.createdAt}, ${mailOutbox.id}) < (${at}::timestamptz, ${after.id})`);
    }
    return this.database.query
      .select(entryColumns)
      .from(mailOutbox)
      .where(and(...conditions))
      .orderBy(desc(mailOutbox.createdAt), desc(mailOutbox.id))
      .limit(limit);
  }

  async find(id: string, tenant: string): Promise<OutboxMail | undefined> {
    if (!/^mail_[\w-]{22}$/.test(id)) return undefined;
    const [found] = await this.database.query
      .select()
      .from(mailOutbox)
      .where(and(eq(mailOutbox.id, id), eq(mailOutbox.tenant, tenant)));
    return found;
  }

  private async trim(tenant: string): Promise<void> {
    const old = this.database.query
      .select({ id: mailOutbox.id })
      .from(mailOutbox)
      .where(eq(mailOutbox.tenant, tenant))
      .orderBy(desc(mailOutbox.createdAt), desc(mailOutbox.id))
      .offset(KEPT_PER_TENANT)
      .limit(REMOVED_AT_ONCE);
    await this.database.query.delete(mailOutbox).where(inArray(mailOutbox.id, old));
  }
}

function columns() {
  const { id, tenant, messageId, sender, recipients, subject, text, html, eml, bytes, jobId, createdAt } =
    mailOutbox;
  return { id, tenant, messageId, sender, recipients, subject, text, html, eml, bytes, jobId, createdAt };
}
