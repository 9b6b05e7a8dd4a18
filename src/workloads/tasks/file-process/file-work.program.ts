import { serveSandbox } from '../../../platform/sandbox/sandbox-program';
import { workFile } from './file-work';

serveSandbox(workFile);
