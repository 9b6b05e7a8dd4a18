import { Injectable } from '@nestjs/common';
import { runValidationPass } from './validation-pass';

/** The engine behind a name that a test can take the place of. */
@Injectable()
export class PassRunner {
  readonly run = runValidationPass;
}
