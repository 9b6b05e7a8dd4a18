export type EffectRefusal = 'superseded' | 'aborted';

/** A start of a job that may not write any more: a newer one has begun, or its signal has fired. Nothing was committed. */
export class EffectRefusedError extends Error {
  constructor(
    jobId: string,
    step: string,
    readonly refusal: EffectRefusal,
    options?: ErrorOptions,
  ) {
    const reason = refusal === 'superseded' ? 'a newer start of the job has begun' : 'its signal has fired';
    super(`Step "${step}" of job ${jobId} was not written, because ${reason}.`, options);
    this.name = 'EffectRefusedError';
  }
}
