import { askedWaitMs } from './retry-after';

const now = Date.UTC(2024, 0, 31, 12);
const seconds = now / 1_000;

describe('how long an answer asks to wait', () => {
  it.each([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': '7', 'x-ratelimit-reset': String(seconds + 60) }, 7_000],
    [{ 'x-ratelimit-reset': String(seconds + 60) }, 60_000],
    [{ 'x-ratelimit-reset': String(seconds - 60) }, 0],
    [{ 'x-ratelimit-reset': String(seconds + 10_000_000) }, 86_400_000],
    // A day ahead, by its own clock half a minute.
    [
      { 'x-ratelimit-reset': String(seconds + 86_430), date: new Date(now + 86_400_000).toUTCString() },
      30_000,
    ],
    [{ 'x-ratelimit-reset': '30' }, undefined],
    [{ 'x-ratelimit-reset': 'soon' }, undefined],
    [{}, undefined],
  ])('takes %j for %s', (headers, waitMs) => expect(askedWaitMs(headers, now)).toBe(waitMs));
});
