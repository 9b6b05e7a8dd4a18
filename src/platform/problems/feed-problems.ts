import type { CatalogueEntry } from './catalogue-entry';

/** What is wrong with a question about feeds and their imports. */
export const feedProblems = {
  import_not_found: {
    status: 404,
    title: 'There is no such import',
    advice: 'Imports are kept for IMPORT_RETENTION_DAYS; GET /api/imports lists them.',
  },
  import_running: {
    status: 409,
    title: 'The source is being imported already',
    advice: 'Wait until that import has ended, or cancel it; GET /api/imports shows it. Nothing was started.',
  },
  import_over: {
    status: 409,
    title: 'The import has ended already',
    advice: 'There is nothing left to cancel.',
  },
  source_not_found: {
    status: 404,
    title: 'There is no such source',
    advice: 'GET /api/sources lists those that exist.',
  },
  source_name_taken: {
    status: 409,
    title: 'There is a source of that name already',
    advice: 'Choose another name, or change the source that has it.',
  },
  too_many_sources: {
    status: 409,
    title: 'The tenant has as many sources as it may',
    advice: 'Delete sources that nobody needs; whoever runs the server can raise FEED_SOURCES_PER_TENANT.',
  },
  source_changed: {
    status: 412,
    title: 'The source has changed since it was read',
    advice: 'Read it again, and send its ETag as If-Match.',
  },
  item_not_found: {
    status: 404,
    title: 'There is no such item',
    advice: 'GET /api/items searches those that were imported.',
  },
} satisfies Record<string, CatalogueEntry>;
