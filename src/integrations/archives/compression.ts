/** How a file can be compressed. */
export const compressions = ['gzip', 'zip'] as const;
export type Compression = (typeof compressions)[number];
