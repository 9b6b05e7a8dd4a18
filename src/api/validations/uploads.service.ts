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
import { Problem } from '../../platform/problems/problem';
import { problem } from '../../platform/problems/problem-catalogue';
import { nextIdSeed } from '../../platform/queue/id-seed';
import { RedisConnections } from '../../platform/redis/redis-connections.service';
import { FileStorage } from '../../platform/storage/file-storage.service';
import { isDiskFull } from '../../platform/storage/storage-full.error';
import { acceptRuleSet, RuleSetStore } from '../../workloads/validation/rule-set.store';
import { newRunId, seededRunId } from '../../workloads/validation/run-id';
import { uploadOf } from '../../workloads/validation/validation-files';
import {
  jobKeyOf,
  ValidationRunStore,
  type ValidationRun,
} from '../../workloads/validation/validation-run.store';
import { FormFingerprint } from './form-fingerprint';
import { readUploadForm, type UploadForm } from './upload-form';
import { fieldProblem } from './field-problem';

// What a form may add to its file: boundaries, headers and the rule set.
const FORM_OVERHEAD_BYTES = 2 * 1024 * 1024;

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

  async accept(request: FastifyRequest, principal: Principal): Promise<ValidationRun> {
    try {
      await this.refuseEarly(request);
      return await this.receive(request, principal);
    } catch (error) {
      drainBody(request);
      throw error;
    }
  }

  /** Everything that can be said before the body is read. */
  private async refuseEarly(request: FastifyRequest): Promise<void> {
    if (!request.isMultipart()) {
      const headers = { 'accept-post': 'multipart/form-data' };
      throw problem('upload_type_unsupported', { headers });
    }
    // The parts of a compressed form would be taken for nonsense, or nonsense for its parts.
    if ((request.headers['content-encoding'] ?? 'identity') !== 'identity')
      throw problem('unsupported_media_type');
    const announced = Number(request.headers['content-length'] ?? 0);
    const { VALIDATION_MAX_BYTES } = this.settings;
    if (announced > VALIDATION_MAX_BYTES + FORM_OVERHEAD_BYTES) {
      const detail = `A file may have ${VALIDATION_MAX_BYTES} bytes; split it, or raise VALIDATION_MAX_BYTES.`;
      throw problem('file_too_large', { detail });
    }
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
    form: UploadForm,
  ): Promise<ValidationRun> {
    const seed = nextIdSeed();
    const run = await this.runs.create({
      id: seed === undefined ? newRunId() : seededRunId(seed),
      ...asker,
      fileId,
      fileName: form.fileName,
      fileBytes: form.fileBytes,
      ...(form.ruleSet !== undefined && { ruleSet: form.ruleSet as { name: string } }),
      ...(form.previousValidationId !== undefined && { previousRunId: form.previousValidationId }),
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
