import { Controller, Delete, Get, Headers, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiConsumes,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Audited, NotAudited } from '../../platform/audit/audited.decorator';
import { Masked } from '../../platform/auth/masked.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { always } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { Idempotent } from '../../platform/idempotency/idempotent.decorator';
import { CallerLimits } from '../../platform/limits/caller-limits.service';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { readFormFingerprint } from '../../platform/uploads/form-fingerprint';
import { isFinished } from '../../workloads/validation/validation-run.store';
import { UPLOAD_LIMIT, uploadFields, Uploads } from './uploads.service';
import { ValidationListQueryDto } from './validation-query.dto';
import { acceptedView, POLL_SECONDS, tagOf, validationPath } from './validation-view';
import { AcceptedValidationDto, ValidationDto, ValidationListDto } from './validation.dto';
import { Validations } from './validations.service';

const uploadSchema = {
  type: 'object' as const,
  required: ['file'],
  properties: {
    file: {
      type: 'string',
      format: 'binary',
      description: 'The CSV file; its size is limited by the server.',
    },
    ruleSet: {
      type: 'string',
      description:
        'The name of a stored rule set, or a rule set as JSON. Without one only structure is checked.',
    },
    previousValidationId: {
      type: 'string',
      format: 'uuid',
      description: 'The run whose file this one corrects.',
    },
  },
};

const ofValidation = always('validation');

@ApiTags('validations')
@Controller(['api/validations', 'validations'])
export class ValidationsController {
  constructor(
    private readonly uploads: Uploads,
    private readonly validations: Validations,
    private readonly limits: CallerLimits,
  ) {}

  /** Takes a CSV file and enqueues its validation. */
  @NotAudited('the run itself says who asked for it')
  @Post()
  @Requires('jobs:write', ofValidation)
  @HttpCode(202)
  @Idempotent(readFormFingerprint(uploadFields, UPLOAD_LIMIT))
  @ApiConsumes('multipart/form-data')
  @ApiBody({ schema: uploadSchema })
  @ApiResponse({ status: 202, type: AcceptedValidationDto, description: 'Stored and enqueued.' })
  @ApiProblems(
    'upload_malformed',
    'upload_field_unknown',
    'file_too_large',
    'upload_type_unsupported',
    'upload_invalid',
    'rule_set_invalid',
  )
  @ApiProblems('disk_full')
  async create(
    @Req() request: FastifyRequest,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AcceptedValidationDto> {
    const run = await this.uploads.accept(request, principal, this.limits.jobQuota(principal, reply));
    reply.header('location', validationPath(run.id)).header('retry-after', POLL_SECONDS);
    return acceptedView(run);
  }

  /** The runs, newest first. */
  @Get()
  @Requires('jobs:read', ofValidation)
  @Masked('items.*.errorMessage')
  @ApiOkResponse({ type: ValidationListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: ValidationListQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ValidationListDto> {
    const { page, link } = await this.validations.list(query, tenant);
    if (link !== undefined) reply.header('link', link);
    return page;
  }

  /** One run: how far it is and, once it is completed, what was found. */
  @Get(':id')
  @Requires('jobs:read', ofValidation)
  @Masked('errorMessage')
  @ApiHeader({ name: 'If-None-Match', required: false })
  @ApiOkResponse({ type: ValidationDto })
  @ApiResponse({ status: 304, description: 'Nothing has changed since that entity tag.' })
  @ApiProblems('validation_not_found')
  async read(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ValidationDto | undefined> {
    const run = await this.validations.require(id, tenant);
    reply.header('etag', tagOf(run)).header('cache-control', 'private, no-cache');
    if (!isFinished(run.status)) reply.header('retry-after', POLL_SECONDS);
    if (!this.validations.matches(ifNoneMatch, run)) return this.validations.view(run);
    reply.status(304);
    return undefined;
  }

  /** Cancels a run that has not finished (202), or deletes one that has, with its rows and files (204). */
  @Audited('validations.delete', { reason: 'by setting' })
  @Delete(':id')
  @Requires('jobs:manage', ofValidation)
  @ApiHeader({ name: 'If-Match', required: false })
  @ApiResponse({ status: 202, type: AcceptedValidationDto, description: 'Cancelled.' })
  @ApiNoContentResponse({ description: 'Deleted.' })
  @ApiProblems('validation_not_found', 'validation_changed', 'conflict')
  async remove(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AcceptedValidationDto | undefined> {
    const cancelled = await this.validations.cancelOrDelete(id, tenant, ifMatch);
    reply.status(cancelled === undefined ? 204 : 202);
    return cancelled === undefined ? undefined : acceptedView(cancelled);
  }
}
