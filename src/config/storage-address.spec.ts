import { readSettings } from './read-settings';
import { bucketAddress } from './storage-address';

describe('STORAGE_URL', () => {
  it('names a bucket of AWS, or of a store of its own with a prefix', () => {
    expect(bucketAddress('s3://files')).toEqual({
      bucket: 'files',
      prefix: '',
      region: 'us-east-1',
      forcePathStyle: false,
    });
    expect(bucketAddress('s3://files/a/b/?endpoint=http://minio:9000&region=x')).toEqual({
      bucket: 'files',
      prefix: 'a/b/',
      endpoint: 'http://minio:9000',
      region: 'x',
      forcePathStyle: true,
    });
  });

  it.each([
    ['s3://', 'cannot be read|must name a bucket'],
    ['s3://key:secret@files', 'no credentials'],
    ['s3://files:9000', 'must name a bucket'],
    ['s3://files/a b', 'must name a bucket'],
    ['s3://files?acl=public', 'endpoint, region and forcePathStyle only'],
    ['s3://files?endpoint=ftp://x', 'must be http'],
    ['s3://files?forcePathStyle=maybe', 'true or false'],
    ['file:///tmp', 'must begin with s3://'],
  ])('stops the start as %s, and shows nothing of it', (STORAGE_URL, sentence) => {
    expect(() => readSettings({ STORAGE_URL })).toThrow(new RegExp(sentence));
    expect(() => readSettings({ STORAGE_URL })).not.toThrow(/secret@/);
  });

  it('takes both keys or neither', () => {
    expect(() => readSettings({ STORAGE_URL: 's3://files', AWS_ACCESS_KEY_ID: 'x' })).toThrow(
      'belong together',
    );
    expect(readSettings({ STORAGE_URL: 's3://files' }).bucket).not.toHaveProperty('credentials');
  });
});
