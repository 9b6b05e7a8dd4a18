import { getQueueToken } from '@nestjs/bullmq';
import type { Queue } from 'bullmq';
import { sql } from 'drizzle-orm';
import { Database } from '../../../src/platform/database/database.service';
import { NotificationCleaner } from '../../../src/workloads/tasks/notification-cleaner.service';
import { Notifications } from '../../../src/workloads/tasks/notifications.store';
import {
  MAX_PUSH_SUBSCRIPTIONS,
  pushSubscriptionId,
  PushSubscriptions,
} from '../../../src/workloads/tasks/push-subscriptions.store';
import { WebPushProducer } from '../../../src/workloads/tasks/web-push/web-push.producer';
import { eventually } from '../../support/eventually';
import { PushBrowser } from '../../support/push-browser';
import { answerWith, vapidSettings } from '../../support/push-service';
import { MINUTE_MS, PushScene } from './push-scene';

const FAMILY = '👨‍👩‍👧‍👦';

describe('the queue web-push', () => {
  let scene: PushScene;

  beforeAll(async () => {
    scene = await PushScene.start();
  });
  afterEach(() => {
    expect(scene.service.refused.splice(0)).toEqual([]);
  });
  afterAll(() => scene.close());

  /** A job that waits for its next try does not have to. */
  const hurry = async (id: string, attemptsMade: number) => {
    await eventually(async () => {
      expect(await scene.job(id)).toMatchObject({ state: 'delayed', attemptsMade });
    }, 30_000);
    await (await scene.app.get<Queue>(getQueueToken('web-push')).getJob(id))!.promote();
  };

  it('is tested by a browser that reads the example of RFC 8291', () => {
    const browser = PushBrowser.of('q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94', 'BTBZMqHH6r4Tts7J_aSIgg');
    const body =
      'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN';
    expect(browser.read(Buffer.from(body, 'base64url'))).toBe('When I grow up, I want to be a watermelon');
  });

  it('brings a notification to every browser of its user and to no other, once, with one topic', async () => {
    const ids = [await scene.subscribe('ada', 'ada-1'), await scene.subscribe('ada', 'ada-2')];
    await scene.subscribe('bob', 'bob-1');
    await scene.subscribe('ada', 'ada-elsewhere', { tenant: 'acme' });
    const { id, result } = await scene.notify('ada', { type: 'error', metadata: { link: '/exports/7' } });
    const { notificationId, pushJobIds } = result;
    expect(pushJobIds).toHaveLength(2);
    for (const job of pushJobIds) {
      expect(await scene.ended(job)).toMatchObject({
        state: 'completed',
        result: { outcome: 'sent', service: scene.service.origin, status: 201, truncated: [] },
      });
    }
    expect(scene.service.received.map(({ browser }) => browser).sort()).toEqual(['ada-1', 'ada-2']);
    for (const { headers, message } of scene.service.received) {
      expect(message).toEqual({
        notificationId,
        type: 'error',
        createdAt: expect.stringMatching(/^\d{4}-/),
        title: 'Your export is ready',
        body: 'It has 2,000 rows.',
        metadata: { link: '/exports/7' },
        truncated: [],
      });
      expect(headers).toMatchObject({ ttl: '86400', urgency: 'high', topic: notificationId.slice(-22) });
      expect(headers['content-length']).toMatch(/^\d+$/);
    }
    // Neither where it goes nor what it says is in Redis.
    const stored = await Promise.all(pushJobIds.map(async (job) => (await scene.job(job)).data));
    expect(stored.map((data) => JSON.parse(data) as object)).toEqual(
      expect.arrayContaining(ids.map((subscriptionId) => ({ notificationId, subscriptionId }))),
    );
    const { rows } = await scene.app.get(Database).query.execute(sql`SELECT * FROM push_subscriptions`);
    expect(JSON.stringify(rows)).not.toContain('/push/ada-1');

    // The job starts again, and nothing is known of its first start any more.
    const { query } = scene.app.get(Database);
    await query.execute(sql`DELETE FROM effect_fences`);
    const queue = scene.app.get<Queue>(getQueueToken('user-notification'));
    await (await queue.getJob(id))!.retry('completed');
    await eventually(async () => {
      expect(await scene.job(id)).toMatchObject({ state: 'completed', starts: 2 });
    }, 10_000);
    expect((await query.execute(sql`SELECT 1 FROM outbox`)).rows).toEqual([]);
    expect(scene.service.received).toHaveLength(2);
  });

  it('has nothing to do for a user without a browser', async () => {
    expect((await scene.notify('nobody')).result.pushJobIds).toEqual([]);
  });

  it.each([404, 410])('removes a subscription that the service answers with %i', async (status) => {
    const browser = `carol-${status}`;
    await scene.subscribe('carol', browser);
    scene.service.disturb(browser, answerWith(status));
    const [push = ''] = (await scene.notify('carol')).result.pushJobIds;
    expect(await scene.ended(push)).toMatchObject({
      state: 'completed',
      result: { outcome: 'gone', status },
    });
    expect(await scene.listOf('carol')).toEqual([]);
  });

  it.each([
    [400, 'refuses the notification'],
    [403, 'other keys than VAPID_PUBLIC_KEY'],
    [413, 'too large'],
  ])('gives up at once where the service answers %i, and says why', async (status, why) => {
    const browser = `dave-${status}`;
    const id = await scene.subscribe(browser, browser);
    scene.service.disturb(browser, answerWith(status));
    const [push = ''] = (await scene.notify(browser)).result.pushJobIds;
    const job = await scene.ended(push);
    expect(job).toMatchObject({ state: 'failed', attemptsMade: 1 });
    expect(job.failedReason).toContain(`answered ${status}`);
    expect(job.failedReason).toContain(why);
    expect(job.failedReason).not.toContain(browser);
    expect(await scene.listOf(browser)).toEqual([id]);
  });

  it('comes back when the service says so, with the same topic, and loses no attempt', async () => {
    await scene.subscribe('erin', 'erin');
    const times: number[] = [];
    scene.service.disturb('erin', (response) => {
      times.push(Date.now());
      answerWith(429, { 'retry-after': '2' })(response, () => undefined);
    });
    const [push = ''] = (await scene.notify('erin')).result.pushJobIds;
    const job = await scene.ended(push);
    expect(job).toMatchObject({ state: 'completed', starts: 2, attemptsMade: 1 });
    expect(Date.now() - times[0]!).toBeGreaterThanOrEqual(2_000);
    expect(new Set(scene.service.of('erin').map(({ headers }) => headers['topic'])).size).toBe(1);
    expect(scene.service.of('erin')).toHaveLength(2);
  });

  it(
    'tries again after 500, 503, a broken connection and no answer at all, with the same topic',
    async () => {
      await scene.subscribe('frank', 'frank');
      let forget = (): void => undefined;
      scene.service.disturb(
        'frank',
        answerWith(500),
        answerWith(503),
        (response) => void response.socket?.destroy(),
        (_response, answer) => void (forget = answer),
      );
      const [push = ''] = (await scene.notify('frank')).result.pushJobIds;
      for (const made of [1, 2, 3, 4]) await hurry(push, made);
      expect(await scene.ended(push)).toMatchObject({ state: 'completed', attemptsMade: 5 });
      expect(new Set(scene.service.of('frank').map(({ headers }) => headers['topic'])).size).toBe(1);
      expect(scene.service.of('frank')).toHaveLength(5);
      forget();
    },
    MINUTE_MS,
  );

  it.each([303, 307])('follows no redirect: %i', async (status) => {
    const browser = `grace-${status}`;
    await scene.subscribe(browser, browser);
    const location = `${scene.service.origin}/push/elsewhere`;
    scene.service.disturb(browser, answerWith(status, { location }));
    const [push = ''] = (await scene.notify(browser)).result.pushJobIds;
    const job = await scene.ended(push);
    expect(job).toMatchObject({ state: 'failed', attemptsMade: 1 });
    expect(job.failedReason).toContain('redirect');
  });

  it('dials no address that is not allowed, whatever is stored', async () => {
    await scene.subscribe('heidi', 'heidi', { endpoint: `http://[::1]:${scene.service.port}/push/heidi` });
    const [push = ''] = (await scene.notify('heidi')).result.pushJobIds;
    const job = await scene.ended(push);
    expect(job).toMatchObject({ state: 'failed', attemptsMade: 1 });
    expect(job.failedReason).toContain('may not reach');
    expect(scene.service.of('heidi')).toEqual([]);
  });

  it('brings a long notification cut between characters, and says what is missing', async () => {
    await scene.subscribe('ivan', 'ivan');
    const title = `${FAMILY.repeat(20)}"\\`;
    const body = `${'"'.repeat(1_000)}${FAMILY.repeat(300)}`;
    const metadata = { text: 'x'.repeat(3_900) };
    const { result } = await scene.notify('ivan', { title, body, metadata });
    const [push = ''] = result.pushJobIds;
    expect(await scene.ended(push)).toMatchObject({
      state: 'completed',
      result: { truncated: ['body', 'metadata'] },
    });
    const { bytes, message } = scene.service.of('ivan')[0]!;
    expect(bytes).toBeLessThanOrEqual(4_096);
    expect(bytes).toBeGreaterThan(4_096 - 2 * Buffer.byteLength(FAMILY));
    expect(message).toMatchObject({ title, metadata: null, truncated: ['body', 'metadata'] });
    expect(message['body']).toMatch(new RegExp(`^"{1000}(${FAMILY})+…$`));
  });

  it('goes to nobody who uses the browser of the user meanwhile', async () => {
    const id = await scene.subscribe('judy', 'shared');
    const { result } = await scene.notify('judy', { channels: [] });
    expect(await scene.subscribe('mallory', 'shared')).toBe(id);
    expect(await scene.listOf('judy')).toEqual([]);
    const { notificationId } = result;
    const job = await scene.app.get(WebPushProducer).sendWebPush({ notificationId, subscriptionId: id });
    expect(await scene.ended(job.id ?? '')).toMatchObject({ result: { outcome: 'gone' } });
    const foreign = await scene.app
      .get(WebPushProducer)
      .sendWebPush({ notificationId, subscriptionId: id }, { tenant: 'acme' });
    expect(await scene.ended(foreign.id ?? '')).toMatchObject({ result: { outcome: 'gone' } });
    expect(scene.service.of('shared')).toEqual([]);
    expect(await scene.listOf('mallory')).toEqual([id]);
  });

  it('has nothing to say of a notification that was deleted', async () => {
    const subscriptionId = await scene.subscribe('kim', 'kim');
    const { result } = await scene.notify('kim', { channels: [] });
    await scene.app.get(Notifications).remove(result.notificationId, 'default');
    const { notificationId } = result;
    const job = await scene.app.get(WebPushProducer).sendWebPush({ notificationId, subscriptionId });
    expect(await scene.ended(job.id ?? '')).toMatchObject({ result: { outcome: 'withdrawn' } });
  });

  it('leaves out what has ended, and what was made for another key of the server', async () => {
    const over = await scene.subscribe('leo', 'leo-over', { expiresAt: new Date(Date.now() - 1_000) });
    const other = await scene.subscribe('leo', 'leo-other', { vapidKey: 'another' });
    await scene.subscribe('leo', 'leo-good', { expiresAt: new Date(Date.now() + MINUTE_MS) });
    expect((await scene.notify('leo')).result.pushJobIds).toHaveLength(1);
    await scene.app.get(NotificationCleaner).sweep();
    expect(await scene.listOf('leo')).not.toContain(over);
    expect(await scene.listOf('leo')).toContain(other);
    await eventually(() => expect(scene.service.of('leo-good')).toHaveLength(1), 10_000);
  });

  it('dies with a cause of its own where the key that sealed a subscription is gone, and keeps the subscription', async () => {
    const id = await scene.subscribe('mia', 'mia');
    await scene.app.get(Database).query.execute(sql`
      UPDATE push_subscriptions SET sealed = regexp_replace(sealed, '^hfs1\\.\\w+', 'hfs1.old') WHERE id = ${id}`);
    const [push = ''] = (await scene.notify('mia')).result.pushJobIds;
    const job = await scene.ended(push);
    expect(job).toMatchObject({ state: 'failed', attemptsMade: 1 });
    expect(job.failedReason).toContain('SECRETS_KEYS');
    expect(await scene.listOf('mia')).toEqual([id]);
  });

  it('opens nothing that was copied from another row', async () => {
    const mine = await scene.subscribe('nina', 'nina');
    const other = await scene.subscribe('olga', 'olga');
    await scene.app.get(Database).query.execute(sql`
      UPDATE push_subscriptions SET sealed = (SELECT sealed FROM push_subscriptions WHERE id = ${other})
      WHERE id = ${mine}`);
    const [push = ''] = (await scene.notify('nina')).result.pushJobIds;
    expect((await scene.ended(push)).failedReason).toContain('cannot be opened');
    expect(scene.service.of('olga')).toEqual([]);
  });

  it('keeps the twenty browsers of a user that were renewed last, however many come at once', async () => {
    const first = await scene.subscribe('pat', 'pat-first');
    const second = await scene.subscribe('pat', 'pat-second');
    await scene.subscribe('pat', 'pat-first');
    const count = MAX_PUSH_SUBSCRIPTIONS - 1;
    await Promise.all(Array.from({ length: count }, (_one, at) => scene.subscribe('pat', `pat-${at}`)));
    const left = await scene.listOf('pat');
    expect(left).toHaveLength(MAX_PUSH_SUBSCRIPTIONS);
    expect([left.includes(first), left.includes(second)]).toEqual([true, false]);
    await Promise.all(Array.from({ length: 30 }, (_one, at) => scene.subscribe('pat', `pat-later-${at}`)));
    expect(await scene.listOf('pat')).toHaveLength(MAX_PUSH_SUBSCRIPTIONS);
  });

  it('has one row for an endpoint, which is renewed', async () => {
    const said = scene.service.subscribe('quinn');
    const whose = { tenant: 'default', userId: 'quinn', expiresAt: null, createdBy: 'test' };
    const vapidKey = vapidSettings.VAPID_PUBLIC_KEY;
    const store = scene.app.get(PushSubscriptions);
    const once = await store.put({ ...said, ...whose, vapidKey });
    const again = await store.put({ ...said, ...whose, vapidKey });
    expect([once.isNew, again.isNew]).toEqual([true, false]);
    expect(again.subscription.id).toBe(pushSubscriptionId(said.endpoint, 'default'));
    expect(again.subscription.createdAt).toEqual(once.subscription.createdAt);
    expect(await store.remove(once.subscription.id, 'acme')).toBe(false);
    expect(await store.remove(once.subscription.id, 'default')).toBe(true);
  });

  it('does not read the answer of a service that never ends', async () => {
    // A body without an end, of a push that was taken.
    await scene.subscribe('rosa', 'rosa');
    scene.service.disturb('rosa', (response) => {
      response.writeHead(201);
      response.write('x'.repeat(10_000));
    });
    const [push = ''] = (await scene.notify('rosa')).result.pushJobIds;
    expect(await scene.ended(push)).toMatchObject({ state: 'completed', result: { outcome: 'sent' } });
  });
});
