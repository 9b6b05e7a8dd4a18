import { Controller, Get, Headers, Param, Query, Req, Res } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiHeader,
  ApiOkResponse,
  ApiProduces,
  ApiResponse,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Masked } from '../../platform/auth/masked.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { always } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { acceptedFormat } from './media-type';
import { ReportDownloads } from './report-downloads.service';
import { FindingsQueryDto, LogsQueryDto, ReportQueryDto } from './validation-query.dto';
import { ValidationResults } from './validation-results.service';
import { FindingCountListDto, FindingListDto, ValidationLogListDto } from './validation.dto';

const ofValidation = always('validation');

@ApiTags('validations')
@ApiExtraModels(FindingListDto, FindingCountListDto)
@Controller(['api/validations/:id', 'validations/:id'])
export class ValidationResultsController {
  constructor(
    private readonly results: ValidationResults,
    private readonly downloads: ReportDownloads,
  ) {}

  /** What is wrong, row by row or counted by rule and column. */
  @Get('errors')
  @Requires('jobs:read', ofValidation)
  @Masked('items.*.value', 'items.*.message')
  @ApiOkResponse({
    schema: {
      anyOf: [{ $ref: getSchemaPath(FindingListDto) }, { $ref: getSchemaPath(FindingCountListDto) }],
    },
  })
  @ApiProblems('query_invalid', 'cursor_invalid')
  @ApiProblems('validation_not_found', 'validation_not_finished', 'validation_without_result')
  async errors(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Query() query: FindingsQueryDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FindingListDto | FindingCountListDto> {
    if (query.group === 'rule') return this.results.counts(id, tenant, query);
    const { page, link } = await this.results.findings(id, tenant, query);
    if (link !== undefined) reply.header('link', link);
    return page;
  }

  /** What happened to the run, oldest first. */
  @Get('logs')
  @Requires('jobs:read', ofValidation)
  @Masked('items.*.message')
  @ApiOkResponse({ type: ValidationLogListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  @ApiProblems('validation_not_found')
  async logs(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Query() query: LogsQueryDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ValidationLogListDto> {
    const { page, link } = await this.results.logs(id, tenant, query);
    if (link !== undefined) reply.header('link', link);
    return page;
  }

  /** Every row of the upload with what is wrong in it, as CSV or JSON. */
  @Get('report')
  @Requires(['jobs:read', 'payloads:read'], ofValidation)
  @ApiProduces('text/csv', 'application/json')
  @ApiHeader({ name: 'Range', required: false })
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  @ApiResponse({ status: 206, description: 'The bytes that Range asks for.' })
  @ApiProblems('query_invalid', 'not_acceptable')
  @ApiProblems(
    'validation_not_found',
    'validation_not_finished',
    'validation_without_result',
    'report_gone',
    'range_not_satisfiable',
  )
  async report(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Query() query: ReportQueryDto,
    @Headers('accept') accept: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const format = query.format ?? acceptedFormat(accept);
    if (format === undefined) throw problem('not_acceptable');
    await this.downloads.send({ id, tenant, format }, request, reply);
  }
}
