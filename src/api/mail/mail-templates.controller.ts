import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { NotAudited } from '../../platform/audit/audited.decorator';
import { always } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { mailTemplate, mailTemplates, variablesFault } from '../../workloads/tasks/mail-template';
import { renderMail } from '../../workloads/tasks/render-mail';
import { MailTemplateListDto, PreviewDto, PreviewWishDto } from './mail.dto';

const ofEmail = always('email');

@ApiTags('mail')
@Controller('api/mail/templates')
export class MailTemplatesController {
  /** The templates that EMAIL_SEND knows, and the variables of each. */
  @Get()
  @Requires('jobs:read', ofEmail)
  @ApiOkResponse({ type: MailTemplateListDto })
  list(): MailTemplateListDto {
    return {
      items: mailTemplates().map(({ name, description, subject, variables }) => ({
        name,
        description,
        subject,
        variables: Object.entries(variables).map(([variable, one]) => ({
          name: variable,
          kind: one.kind,
          description: one.description,
          required: one.isOptional !== true,
          example: one.example,
        })),
      })),
    };
  }

  /** A mail as it would be sent, without sending it. */
  @NotAudited('it changes nothing')
  @Post(':name/preview')
  @Requires('jobs:write', ofEmail)
  @HttpCode(200)
  @ApiOkResponse({ type: PreviewDto })
  @ApiProblems('mail_template_not_found', 'validation_failed')
  async preview(@Param('name') name: string, @Body() wish: PreviewWishDto): Promise<PreviewDto> {
    const template = mailTemplate(name);
    if (template === undefined) throw problem('mail_template_not_found');
    const examples = Object.entries(template.variables).map(([variable, { example }]) => [variable, example]);
    const variables = wish.variables ?? (Object.fromEntries(examples) as Record<string, string>);
    const fault = variablesFault(template, variables);
    if (fault !== undefined) {
      throw problem('validation_failed', {
        errors: [{ pointer: '#/variables', detail: fault, code: 'fitsTemplate' }],
      });
    }
    return renderMail(template, variables, wish.subject);
  }
}
