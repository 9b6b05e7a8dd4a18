import { acceptedFormat } from './media-type';

describe('acceptedFormat', () => {
  it.each([
    [undefined, 'csv'],
    ['*/*', 'csv'],
    ['application/json', 'json'],
    ['text/html, application/json;q=0.9, */*;q=0.1', 'json'],
    ['*/*, application/json', 'json'],
    ['text/csv;q=0.4, application/json;q=0.3', 'csv'],
    ['text/csv;q=0', undefined],
    ['image/png', undefined],
  ])('answers %j with %j', (header, format) => {
    expect(acceptedFormat(header)).toBe(format);
  });
});
