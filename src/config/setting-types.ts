import { Transform } from 'class-transformer';

/** A variable of the environment is a text; these are read as what they mean, and as they are where they mean nothing. */
export const wholeNumber = Transform(({ value }) =>
  typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value,
);
export const decimalNumber = Transform(({ value }) =>
  typeof value === 'string' && /^\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : value,
);
export const yesOrNo = Transform(({ value }) =>
  value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value,
);
