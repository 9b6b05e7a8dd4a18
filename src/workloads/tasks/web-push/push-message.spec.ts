import * as fc from 'fast-check';
import { MAX_PUSH_BYTES } from '../../../integrations/web-push/push-sender.service';
import type { Notification } from '../notifications.tables';
import { pushMessage } from './push-message';

const notification = (more: Partial<Notification> = {}): Notification => ({
  id: `notification_${'x'.repeat(22)}`,
  tenant: 'default',
  userId: 'ada',
  title: 'Title',
  body: 'Body',
  type: 'info',
  metadata: null,
  jobId: 'job',
  position: 1,
  version: 1,
  readAt: null,
  createdAt: new Date(0),
  ...more,
});

interface Said {
  readonly title: string;
  readonly body: string;
  readonly metadata: unknown;
  readonly truncated: readonly string[];
}

const said = (more: Partial<Notification>): Said => JSON.parse(pushMessage(notification(more)).text) as Said;

describe('what is pushed of a notification', () => {
  it('is all of it, where that fits', () => {
    expect(said({ metadata: { link: '/7' } })).toEqual({
      notificationId: `notification_${'x'.repeat(22)}`,
      type: 'info',
      createdAt: '1970-01-01T00:00:00.000Z',
      title: 'Title',
      body: 'Body',
      metadata: { link: '/7' },
      truncated: [],
    });
  });

  it('keeps metadata before the end of a long body, and a short body before large metadata', () => {
    const metadata = { text: 'x'.repeat(2_500) };
    expect(said({ body: 'b'.repeat(5_000), metadata })).toMatchObject({ metadata, truncated: ['body'] });
    const large = { text: 'x'.repeat(4_000) };
    expect(said({ body: 'short', metadata: large })).toMatchObject({
      body: 'short',
      metadata: null,
      truncated: ['metadata'],
    });
  });

  it('cuts a single character that is longer than a push', () => {
    const { body, truncated } = said({ body: `a${'\u0301'.repeat(4_900)}` });
    expect(body).toMatch(/^a\u0301{1000,}…$/);
    expect(truncated).toEqual(['body']);
  });

  it('always fits, is well-formed, and says what is missing', () => {
    const text = fc.string({ unit: 'binary', maxLength: 5_000, size: 'max' });
    fc.assert(
      fc.property(text, text, fc.dictionary(fc.string(), text, { maxKeys: 2 }), (title, body, metadata) => {
        const { text: json, truncated } = pushMessage(notification({ title, body, metadata }));
        expect(Buffer.byteLength(json)).toBeLessThanOrEqual(MAX_PUSH_BYTES);
        const read = JSON.parse(json) as Said;
        expect(read.truncated).toEqual(truncated);
        for (const [name, whole] of Object.entries({ title, body })) {
          const shown = read[name as 'title' | 'body'];
          expect(shown.isWellFormed()).toBe(true);
          expect(truncated.includes(name as 'title')).toBe(shown !== whole);
          expect(shown === whole || whole.startsWith(shown.slice(0, -1))).toBe(true);
        }
        expect(truncated.includes('metadata')).toBe(read.metadata === null);
      }),
      { numRuns: 100 },
    );
  });
});
