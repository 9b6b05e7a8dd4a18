import sharp, { type Sharp } from 'sharp';
import type { ImageFormat, ImageWish } from './image-wish';

// A PNG of 31 kB can be 256 megapixels: what is refused here has cost a millisecond.
const MAX_INPUT_PIXELS = 100_000_000;
const MAX_SECONDS = 60;

/** What an image that is read here begins with, and where; SVG is a program, and is none. */
const signatures: readonly (readonly [ImageFormat, number, string])[] = [
  ['jpeg', 0, '\xff\xd8\xff'],
  ['png', 0, '\x89PNG\r\n\x1a\n'],
  ['gif', 0, 'GIF8'],
  ['webp', 8, 'WEBP'],
  ['tiff', 0, 'II*\0'],
  ['tiff', 0, 'MM\0*'],
  ['avif', 4, 'ftypavi'],
];

export interface MadeImage {
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

/** An image that cannot be read, or is larger than any that is worked on. */
export class ImageRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ImageRefusedError';
  }
}

/** The format that the first bytes of a file tell, if it is one that is read here. */
export function imageFormatOf(beginning: Buffer): ImageFormat | undefined {
  const text = beginning.toString('latin1', 0, 16);
  return signatures.find(([, at, mark]) => text.startsWith(mark, at))?.[0];
}

/**
 * Turns an image the way it is meant to be seen, resizes and converts it as wished, and writes it to a path.
 * Metadata goes unless it is to stay. Throws {@link ImageRefusedError} for what libvips cannot read whole, and for
 * more than 100 megapixels, before anything is decoded.
 */
export async function writeImage(input: Buffer, path: string, wish: ImageWish): Promise<MadeImage> {
  const given = imageFormatOf(input);
  if (given === undefined) throw new ImageRefusedError('The file is no image of a known format.');
  sharp.concurrency(1);
  sharp.cache(false);
  const isAnimated = given === 'gif' || given === 'webp';
  const format = wish.format ?? given;
  const canMove = format === 'gif' || format === 'webp';
  try {
    const image = sharp(input, {
      limitInputPixels: MAX_INPUT_PIXELS,
      failOn: 'warning',
      sequentialRead: true,
      animated: isAnimated && canMove,
    })
      .timeout({ seconds: MAX_SECONDS })
      .autoOrient();
    const {
      width,
      height,
      size,
      format: made,
    } = await encoded(resized(image, wish), format, wish).toFile(path);
    return { format: made, width, height, bytes: size };
  } catch (error) {
    throw refusalOf(error);
  }
}

function resized(image: Sharp, { width, height, fit = 'inside', enlarge = false }: ImageWish): Sharp {
  if (width === undefined && height === undefined) return image;
  return image.resize({ width, height, fit, withoutEnlargement: !enlarge });
}

function encoded(image: Sharp, format: ImageFormat, { quality, keepMetadata = false }: ImageWish): Sharp {
  const kept = keepMetadata ? image.keepMetadata() : image;
  switch (format) {
    case 'png':
      return kept.png();
    case 'gif':
      return kept.gif();
    case 'jpeg':
      // What was transparent would turn black.
      return kept.flatten({ background: '#ffffff' }).jpeg({ quality: quality ?? 80, mozjpeg: false });
    default:
      return kept.toFormat(format, quality === undefined ? {} : { quality });
  }
}

// What libvips says names files, options and libraries of the server.
function refusalOf(error: unknown): Error {
  const text = error instanceof Error ? error.message : '';
  if (text.includes('ENOSPC') || text.includes('No space left')) return error as Error;
  if (text.includes('exceeds pixel limit')) {
    return new ImageRefusedError(`The image has more than ${MAX_INPUT_PIXELS / 1e6} megapixels.`);
  }
  if (text.includes('timeout')) return new ImageRefusedError(`The image took more than ${MAX_SECONDS} s.`);
  return new ImageRefusedError('The image is damaged, incomplete, or of a kind that is not read.');
}
