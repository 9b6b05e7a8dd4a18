import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiResponse,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Audited } from '../../platform/audit/audited.decorator';
import { Masked } from '../../platform/auth/masked.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { nextLink } from '../../platform/http/cursor';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { hiddenOfDeadLetter, ofDeadLetter, ofListQuery, ofRedrive } from './dead-letter-access';
import {
  DeadLetterListQuery,
  DecisionDto,
  DiscardQuery,
  EditDeadLetterDto,
  RedriveDto,
} from './dead-letter-query.dto';
import {
  DeadLetterDetailDto,
  DeadLetterGroupsDto,
  DeadLetterListDto,
  ReturnedJobDto,
} from './dead-letter.dto';
import { DEAD_LETTERS_PATH, deadLetterDetail, jobPath, returnedJobView } from './dead-letter-view';
import { DeadLettersService } from './dead-letters.service';

const eitherList = [DeadLetterListDto, DeadLetterGroupsDto].map((one) => ({ $ref: getSchemaPath(one) }));

@ApiTags('dead letters')
@ApiExtraModels(DeadLetterListDto, DeadLetterGroupsDto)
@Controller(['api/queue/dead-letters', 'queue/dead-letters'])
export class DeadLettersController {
  constructor(private readonly deadLetters: DeadLettersService) {}

  /** Jobs that will not be tried again, newest first and without their payloads; or how many died by which fault. */
  @Get()
  @Requires('jobs:read', ofListQuery)
  @Masked('items.*.error.message', 'groups.*.message')
  @ApiOkResponse({ schema: { anyOf: eitherList } })
  @ApiProblems('cursor_invalid', 'query_invalid', 'database_unavailable')
  async list(
    @Query() query: DeadLetterListQuery,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DeadLetterListDto | DeadLetterGroupsDto> {
    if (query.group !== undefined) return this.deadLetters.groups(query, tenant);
    const page = await this.deadLetters.list(query, tenant);
    if (page.next_cursor !== null) {
      reply.header('link', nextLink(DEAD_LETTERS_PATH, query, page.next_cursor));
    }
    return page;
  }

  /** One dead letter, with its payload, its options and every attempt. */
  @Get(':id')
  @Requires('jobs:read', ofDeadLetter)
  @Masked(...hiddenOfDeadLetter)
  @ApiOkResponse({ type: DeadLetterDetailDto })
  @ApiProblems('dead_letter_not_found', 'database_unavailable')
  async read(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
  ): Promise<DeadLetterDetailDto> {
    return deadLetterDetail(await this.deadLetters.require(id, tenant));
  }

  /** Gives it another payload for its redrive; the original one is kept. */
  @Audited('dead-letters.edit')
  @Patch(':id')
  @Requires('jobs:manage', ofDeadLetter)
  @Masked(...hiddenOfDeadLetter)
  @ApiOkResponse({ type: DeadLetterDetailDto })
  @ApiProblems('dead_letter_not_found', 'dead_letter_decided', 'job_payload_invalid', 'redrive_refused')
  async edit(
    @Param('id') id: string,
    @Body() { data, reason }: EditDeadLetterDto,
    @CurrentPrincipal() { id: by, tenant }: Principal,
  ): Promise<DeadLetterDetailDto> {
    return deadLetterDetail(await this.deadLetters.edit(id, data, { by, reason }, tenant));
  }

  /** Sends the job back to work, once, under its own id and with its attempts reset. */
  @Audited('dead-letters.redrive')
  @Post(':id/redrive')
  @Requires('jobs:manage', ofRedrive)
  @HttpCode(202)
  @ApiResponse({ status: 202, type: ReturnedJobDto, description: '`Location` is the job that runs again.' })
  @ApiProblems('dead_letter_not_found', 'dead_letter_decided', 'job_payload_invalid', 'redrive_refused')
  async redrive(
    @Param('id') id: string,
    @Body() wish: RedriveDto,
    @CurrentPrincipal() { id: by, tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReturnedJobDto> {
    const redriven = await this.deadLetters.redrive(id, wish, by, tenant);
    reply.header('location', jobPath(redriven.jobId));
    return returnedJobView(redriven);
  }

  /** Moves it to the trash, from where it can be restored for a week. */
  @Audited('dead-letters.discard')
  @Delete(':id')
  @Requires('jobs:manage', ofDeadLetter)
  @HttpCode(204)
  @ApiNoContentResponse()
  @ApiProblems('dead_letter_not_found', 'dead_letter_decided', 'query_invalid')
  async discard(
    @Param('id') id: string,
    @Query() { reason }: DiscardQuery,
    @CurrentPrincipal() { id: by, tenant }: Principal,
  ): Promise<void> {
    await this.deadLetters.discard(id, { by, reason }, tenant);
  }

  /** Takes it out of the trash. */
  @Audited('dead-letters.restore')
  @Post(':id/restore')
  @Requires('jobs:manage', ofDeadLetter)
  @Masked(...hiddenOfDeadLetter)
  @HttpCode(200)
  @ApiOkResponse({ type: DeadLetterDetailDto })
  @ApiProblems('dead_letter_not_found', 'dead_letter_decided')
  async restore(
    @Param('id') id: string,
    @Body() { reason }: DecisionDto,
    @CurrentPrincipal() { id: by, tenant }: Principal,
  ): Promise<DeadLetterDetailDto> {
    return deadLetterDetail(await this.deadLetters.restore(id, { by, reason }, tenant));
  }
}
