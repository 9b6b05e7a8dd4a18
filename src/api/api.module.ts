import { Module } from '@nestjs/common';
import { BrokerageApiModule } from './brokerage/brokerage-api.module';
import { FilesApiModule } from './files/files-api.module';
import { ImportsApiModule } from './imports/imports-api.module';
import { ItemsApiModule } from './items/items-api.module';
import { CharterRequestsApiModule } from './charter-requests/charter-requests-api.module';
import { ClientsApiModule } from './clients/clients-api.module';
import { ErrorsApiModule } from './errors/errors-api.module';
import { FlowsApiModule } from './flows/flows-api.module';
import { FleetApiModule } from './fleet/fleet-api.module';
import { JobsApiModule } from './jobs/jobs-api.module';
import { KeysApiModule } from './keys/keys-api.module';
import { MailApiModule } from './mail/mail-api.module';
import { NotificationsApiModule } from './notifications/notifications-api.module';
import { OpenApiModule } from './openapi/openapi.module';
import { QueueTestApiModule } from './queue-test/queue-test-api.module';
import { RuleSetsApiModule } from './rule-sets/rule-sets-api.module';
import { SourcesApiModule } from './sources/sources-api.module';
import { ValidationsApiModule } from './validations/validations-api.module';

/** Everything that callers reach: one entry per folder. */
@Module({
  imports: [
    JobsApiModule,
    KeysApiModule,
    QueueTestApiModule,
    ValidationsApiModule,
    RuleSetsApiModule,
    CharterRequestsApiModule,
    ClientsApiModule,
    ErrorsApiModule,
    FilesApiModule,
    FlowsApiModule,
    MailApiModule,
    NotificationsApiModule,
    SourcesApiModule,
    ImportsApiModule,
    ItemsApiModule,
    FleetApiModule,
    BrokerageApiModule,
    OpenApiModule,
  ],
})
export class ApiModule {}
