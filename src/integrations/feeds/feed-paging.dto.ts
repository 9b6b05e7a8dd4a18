import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsString,
  Matches,
  Max,
  Min,
  ValidateIf,
} from 'class-validator';
import { IsJsonPointer } from './json-pointer';

const waysToPage = ['link-header', 'document', 'cursor', 'next-url', 'page'] as const;

/** How a source goes on after its first answer. */
export class FeedPagingDto {
  /**
   * `link-header`: a `Link` header with `rel="next"`; `document`: Atom's `rel="next"` or JSON Feed's `next_url`;
   * `cursor`: a value in the body goes into a parameter of the address; `next-url`: a value in the body is the next
   * address; `page`: a parameter counts the pages until one has no items, or only those of the page before.
   */
  @IsIn(waysToPage)
  by!: (typeof waysToPage)[number];

  /** `cursor` and `next-url`: JSON pointer from the document to the value; none, null or an empty one ends the paging. */
  @ValidateIf(({ by, path }: FeedPagingDto) => by === 'cursor' || by === 'next-url' || path !== undefined)
  @IsJsonPointer()
  path?: string;

  /** `cursor` and `page`: the parameter's name in the query of the address. */
  @ValidateIf(
    ({ by, parameter }: FeedPagingDto) => by === 'cursor' || by === 'page' || parameter !== undefined,
  )
  @IsString()
  @Matches(/^[A-Za-z0-9_.[\]-]{1,64}$/, {
    message: '$property must be 1 to 64 letters, digits or any of _ . - [ ]',
  })
  parameter?: string;

  /** `page`: the first page's number; default 1. */
  @ValidateIf(({ firstPage }: FeedPagingDto) => firstPage !== undefined)
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  firstPage?: number;

  /** Default 100. */
  @ValidateIf(({ maxPages }: FeedPagingDto) => maxPages !== undefined)
  @IsInt()
  @Min(1)
  @Max(10_000)
  maxPages?: number;

  /** Hosts besides the source's own that pages may come from; they get no header of the source but harmless ones. */
  @ValidateIf(({ otherHosts }: FeedPagingDto) => otherHosts !== undefined)
  @IsArray()
  @ArrayMaxSize(10)
  @ArrayUnique()
  @IsString({ each: true })
  @Matches(/^[a-z0-9.-]{1,253}(?::\d{1,5})?$/, {
    each: true,
    message: '$property must be host names in lower case, a port behind a colon if it is not the usual one',
  })
  otherHosts?: string[];
}
