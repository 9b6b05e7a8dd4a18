import { Module } from '@nestjs/common';
import { ContractStep } from './contract-step.service';

@Module({ providers: [ContractStep] })
export class ContractsModule {}
