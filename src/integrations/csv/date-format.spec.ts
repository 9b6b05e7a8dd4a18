import fc from 'fast-check';
import { bytesOf } from './cell-text';
import { DateFormatError, DateReader, dayOf } from './date-format';

const read = (format: string, text: string) => {
  const bytes = bytesOf(text);
  return new DateReader(format).read(bytes, 0, bytes.length);
};

describe('DateReader', () => {
  const moment = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });

  it('reads every day and every millisecond as JavaScript does', () => {
    fc.assert(
      fc.property(moment, (date) => {
        const iso = date.toISOString();
        expect(read('YYYY-MM-DDTHH:mm:ss.SSSZ', iso)).toBe(date.getTime());
        expect(read('YYYY-MM-DD', iso.slice(0, 10))).toBe(Date.parse(iso.slice(0, 10)));
        const day = new DateReader('YYYY-MM-DD').readDay(bytesOf(iso), 0, 10);
        expect(day).toBe(dayOf(date.getTime()));
      }),
    );
  });

  it('orders days as their times', () => {
    fc.assert(
      fc.property(moment, moment, (a, b) => {
        const days = [a, b].map((date) => date.toISOString().slice(0, 10));
        const order = dayOf(a.getTime()) - dayOf(b.getTime());
        expect(Math.sign(order)).toBe(days[0]! < days[1]! ? -1 : days[0]! > days[1]! ? 1 : 0);
      }),
    );
  });

  it.each(['DD.MM.', 'YYYY-MM-DD DD', 'YYYY-MM-DX', 'YYYY-mm-DD', 'YY-MM-DD'])(
    'refuses the format %s',
    (format) => {
      expect(() => new DateReader(format)).toThrow(DateFormatError);
    },
  );
});
