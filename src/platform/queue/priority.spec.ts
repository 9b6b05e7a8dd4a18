import { priorities, priorityFromLevel, priorityName, priorityNumber } from './priority';

describe('priorities', () => {
  it('are stored so that the most urgent has the smallest number', () => {
    expect(priorities.map(priorityNumber)).toEqual([1, 5, 10, 15]);
  });

  it('read back by name', () => {
    expect(priorities.map((name) => priorityName(priorityNumber(name)))).toEqual([...priorities]);
    expect(priorityName(0)).toBe('normal');
    expect(priorityName(99)).toBe('low');
  });

  it('take the levels of document 004, larger first', () => {
    expect([20, 19, 10, 9, 5, 4, 1].map(priorityFromLevel)).toEqual([
      'urgent',
      'high',
      'high',
      'normal',
      'normal',
      'low',
      'low',
    ]);
  });
});
