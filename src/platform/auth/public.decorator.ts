import { SetMetadata } from '@nestjs/common';

export const IS_PUBLIC = 'holdfast:isPublic';

/** Answers without a key: probes and pages of documentation, nothing that shows a job. */
export const Public = () => SetMetadata(IS_PUBLIC, true);
