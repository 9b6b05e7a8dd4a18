import { UnreadableFileError } from '../../../integrations/csv/unreadable-file';
import { DatabaseUnavailableError } from '../../../platform/database/database-unavailable.error';
import { StorageFullError } from '../../../platform/storage/storage-full.error';
import { describeFailure, originOfFailure } from './attempt-failure';

describe('what is told of an attempt that ended', () => {
  it.each([
    [new UnreadableFileError('binary_file', 'This is no text.'), 'This is no text.'],
    [new StorageFullError(), 'There is no room left on the disk for the report of this run.'],
    [new DatabaseUnavailableError('x'), 'The database went away during the validation.'],
    [new Error('value "4711"'), 'The validation stopped unexpectedly (Error).'],
    [Object.assign(new Error('4711'), { code: '22P02' }), 'The validation stopped unexpectedly (22P02).'],
    [
      Object.assign(new Error('4711'), { code: 'value 4711' }),
      'The validation stopped unexpectedly (Error).',
    ],
    [Object.assign(new Error('x'), { name: 'Bad 4711' }), 'The validation stopped unexpectedly (Error).'],
    ['4711', 'The validation stopped unexpectedly (string).'],
  ])('holds no value of the file: %s', (error, text) => {
    expect(describeFailure(error)).toBe(text);
  });

  it('names the place in the code without the message', () => {
    const lines = originOfFailure(new Error('secret\n    at secret 4711'));
    expect(lines.some((line) => line.includes('attempt-failure.spec'))).toBe(true);
    expect(lines.join()).not.toContain('4711');
    expect(originOfFailure('text')).toEqual([]);
  });
});
