import { IsIn, ValidateIf } from 'class-validator';
import { IsJsonPointer, IsPointerTable } from './json-pointer';

/**
 * Where a JSON document that is no JSON Feed keeps its items. Every path is a JSON pointer (RFC 6901); `*` in it stands
 * for every element of a list.
 */
export class JsonMappingDto {
  /** From the document to the list of items; empty when the document is the list. An object's members are items, too. */
  @IsJsonPointer()
  list!: string;

  /** From the item to what identifies it; without it, or where it is empty, the link does, or the content. */
  @MayBeLeftOut()
  @IsJsonPointer()
  guid?: string;

  /** From the item to its title. */
  @MayBeLeftOut()
  @IsJsonPointer()
  title?: string;

  /** From the item to its address; relative ones start at the document's. */
  @MayBeLeftOut()
  @IsJsonPointer()
  link?: string;

  /** From the item to its short text. */
  @MayBeLeftOut()
  @IsJsonPointer()
  summary?: string;

  /** From the item to its long text. */
  @MayBeLeftOut()
  @IsJsonPointer()
  content?: string;

  /** What `summary` and `content` are; default `text`. */
  @MayBeLeftOut()
  @IsIn(['text', 'html'])
  textType?: 'text' | 'html';

  /** From the item to its author's name, or to several. */
  @MayBeLeftOut()
  @IsJsonPointer()
  author?: string;

  /** From the item to its category, or to several. */
  @MayBeLeftOut()
  @IsJsonPointer()
  categories?: string;

  /** From the item to its date: a text that can be read as one, or seconds or milliseconds since 1970. */
  @MayBeLeftOut()
  @IsJsonPointer()
  publishedAt?: string;

  /** From the item to the date of its last change. */
  @MayBeLeftOut()
  @IsJsonPointer()
  updatedAt?: string;

  /** From the item to the address of a file, or to several. */
  @MayBeLeftOut()
  @IsJsonPointer()
  enclosures?: string;

  /** What else to keep of an item: up to 50 names, each with the path from the item to a plain value or a list of such. */
  @MayBeLeftOut()
  @IsPointerTable(50)
  fields?: Record<string, string>;

  /** From the document to its title; known only when it stands before the list. */
  @MayBeLeftOut()
  @IsJsonPointer()
  feedTitle?: string;
}

// Unlike class-validator's own decorator it does not let null through.
function MayBeLeftOut(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}
