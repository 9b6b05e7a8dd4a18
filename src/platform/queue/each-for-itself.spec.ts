import { RedisUnavailableError } from '../redis/redis-unavailable.error';
import { eachForItself } from './each-for-itself';

describe('work for each queue', () => {
  const failing = (errors: Record<string, Error>) => {
    const done: string[] = [];
    const work = (name: string) => {
      const error = errors[name];
      if (error !== undefined) return Promise.reject(error);
      return Promise.resolve(done.push(name));
    };
    return { done, work };
  };

  it('goes on after one that fails, and tells of the first that did', async () => {
    const { done, work } = failing({ b: new Error('WRONGTYPE of b'), c: new Error('of c') });
    await expect(eachForItself(['a', 'b', 'c', 'd'], work)).rejects.toThrow('WRONGTYPE of b');
    expect(done).toEqual(['a', 'd']);
  });

  it('ends at once where a store is away', async () => {
    const { done, work } = failing({ b: new RedisUnavailableError('away') });
    await expect(eachForItself(['a', 'b', 'c'], work)).rejects.toThrow(RedisUnavailableError);
    expect(done).toEqual(['a']);
  });
});
