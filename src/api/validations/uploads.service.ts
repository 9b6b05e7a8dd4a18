import { Injectable, Logger } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import { Settings } from '../../config/settings';
import type { Principal } from '../../platform/auth/principal';
import { isDatabaseAway } from '../../platform/database/database-unavailable.error';
import { Database } from '../../platform/database/database.service';
import { drainBody } from '../../platform/http/drain-body';
import { parseJson } from '../../platform/http/json-body';
import { noteBodyFingerprint, wantsBodyFingerprint } from '../../platform/idempotency/streamed-body';
import type { JobQuota } from '../../platform/limits/caller-limits.service';
import { Problem } from '../../platform/problems/problem';
import { problem } from '../../platform/problems/problem-catalogue';
import { nextIdSeed } from '../../platform/queue/id-seed';
import { RedisConnections } from '../../platform/redis/redis-connections.service';
import { FileStorage } from '../../platform/storage/file-storage.service';
import { isDiskFull } from '../../platform/storage/storage-full.error';
import { fieldProblem } from '../../platform/uploads/field-problem';
import { FormFingerprint } from '../../platform/uploads/form-fingerprint';
import { readUploadForm, refuseUploadEarly, type UploadForm } from '../../platform/uploads/upload-form';
import { acceptRuleSet, RuleSetStore } from '../../workloads/validation/rule-set.store';
import { newRunId, seededRunId } from '../../workloads/validation/run-id';
import { uploadOf } from '../../workloads/validation/validation-files';
import {
  jobKeyOf,
  ValidationRunStore,
  type ValidationRun,
} from '../../workloads/validation/validation-run.store';

/** What a form may say beside its file. */
export const uploadFields = ['ruleSet', 'previousValidationId'] as const;
export const UPLOAD_LIMIT = 'VALIDATION_MAX_BYTES';

/** Turns an upload into a run: either the file is stored, the run exists and its job is promised, or nothing is left. */
@Injectable()
export class Uploads {
  private readonly logger = new Logger('validation');

  constructor(
    private readonly settings: Settings,
    private readonly database: Database,
    private readonly redis: RedisConnections,
    private readonly storage: FileStorage,
    private readonly runs: ValidationRunStore,
    private readonly ruleSets: RuleSetStore,
  ) {}

  async accept(request: FastifyRequest, principal: Principal, quota: JobQuota): Promise<ValidationRun> {
    try {
      await this.refuseEarly(request);
      await quota(1);
      return await this.receive(request, principal);
    } catch (error) {
      drainBody(request);
      throw error;
    }
  }

  /** Everything that can be said before the body is read. */
  private async refuseEarly(request: FastifyRequest): Promise<void> {
    const announced = refuseUploadEarly(request, this.settings.VALIDATION_MAX_BYTES, UPLOAD_LIMIT);
    this.database.assertReady();
    await Promise.all([this.redis.pingMs(), this.database.pingMs()]);
    try {
      await this.storage.assertRoomFor(announced);
    } catch (error) {
      throw isDiskFull(error) ? problem('disk_full', {}, error) : error;
    }
  }

  private async receive(request: FastifyRequest, { id: caller, tenant }: Principal): Promise<ValidationRun> {
    const fileId = randomUUID();
    const upload = uploadOf({ tenant, fileId });
    const fingerprint = wantsBodyFingerprint(request) ? new FormFingerprint() : undefined;
    try {
      const form = await readUploadForm(request, {
        fields: uploadFields,
        limitedBy: UPLOAD_LIMIT,
        store: (file) =>
          this.storage.write(
            upload,
            fingerprint?.file('file', file) ?? file,
            this.settings.VALIDATION_MAX_BYTES,
          ),
        check: (field, text) => {
          fingerprint?.field(field, text);
          return field === 'ruleSet' ? this.ruleSet(text, tenant) : this.previousRun(text, tenant);
        },
      });
      if (fingerprint !== undefined) noteBodyFingerprint(request, fingerprint.toString());
      const run = await this.enqueue(fileId, { tenant, caller }, form);
      // A request that was repeated after a crash finds the run of the first time, with its own file.
      if (run.fileId !== fileId) await this.storage.remove(upload);
      return run;
    } catch (error) {
      // With the database away the run may exist all the same; the file is swept when it does not.
      if (!isDatabaseAway(error)) await this.storage.remove(upload);
      throw error;
    }
  }

  private async enqueue(
    fileId: string,
    asker: { readonly tenant: string; readonly caller: string },
    { fileName, fileBytes, fields }: UploadForm<(typeof uploadFields)[number]>,
  ): Promise<ValidationRun> {
    const seed = nextIdSeed();
    const run = await this.runs.create({
      id: seed === undefined ? newRunId() : seededRunId(seed),
      ...asker,
      fileId,
      fileName,
      fileBytes,
      ...(fields.ruleSet !== undefined && { ruleSet: fields.ruleSet as { name: string } }),
      ...(fields.previousValidationId !== undefined && {
        previousRunId: fields.previousValidationId as string,
      }),
    });
    this.logger.log({
      msg: `[QUEUE] Enqueued validation job ${jobKeyOf(run.id)} for run ${run.id}`,
      jobId: run.jobId,
    });
    return run;
  }

  /** A stored rule set by its name, or one written out. */
  private async ruleSet(given: string, tenant: string): Promise<object> {
    if (given.startsWith('{') || given.startsWith('[')) return acceptRuleSet(parsed(given), '#/ruleSet');
    const stored = await this.ruleSets.find(given.slice(0, 200), tenant);
    if (stored !== undefined) return stored.definition;
    throw fieldProblem(
      'ruleSet',
      'is neither JSON nor the name of a rule set in /api/rule-sets',
      'unknown_rule_set',
    );
  }

  private async previousRun(given: string, tenant: string): Promise<string> {
    const run = await this.runs.find(given, tenant);
    if (run !== undefined) return run.id;
    throw fieldProblem('previousValidationId', 'is not the id of a validation run', 'unknown_run');
  }
}

function parsed(json: string): unknown {
  try {
    return parseJson(json);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw fieldProblem('ruleSet', 'is not JSON that can be read', error.code, error);
  }
}
