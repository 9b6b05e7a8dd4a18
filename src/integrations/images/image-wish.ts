// What describes an image loads no library that works on one.

export const imageFormats = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const;
export type ImageFormat = (typeof imageFormats)[number];

export const imageFits = ['cover', 'contain', 'fill', 'inside', 'outside'] as const;

export const MAX_SIDE_PIXELS = 16_384;

export interface ImageWish {
  readonly width?: number;
  readonly height?: number;
  readonly fit?: (typeof imageFits)[number];
  /** The format of the input where it is left out. */
  readonly format?: ImageFormat;
  /** 1 to 100, for formats that lose something. */
  readonly quality?: number;
  /** EXIF, ICC, XMP and IPTC, the place where a photograph was taken included. */
  readonly keepMetadata?: boolean;
  readonly enlarge?: boolean;
}
