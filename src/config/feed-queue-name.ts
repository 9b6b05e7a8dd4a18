/** The queue of imported items. Decorators need its name, which is before any settings are read. */
export const feedQueueName = process.env['BULL_QUEUE_NAME'] || 'job_import_queue';
