import { FindingCatalog } from '../../../integrations/csv/finding-catalog';
import { mapHeader, type HeaderMap } from '../../../integrations/csv/header';
import { RowWriter } from '../../../integrations/csv/report-row';
import { RowChecker } from '../../../integrations/csv/row-checker';
import { compileKeys, type UniqueKey } from '../../../integrations/csv/unique-keys';
import type {
  ValidationPassInput,
  ValidationPassProgress,
  ValidationPassResult,
} from './validation-pass-contract';
import type { CopyChannel } from './validation-pass-copy';
import { DuplicatePass } from './validation-pass-duplicates';
import { openFile, type OpenFile } from '../../../integrations/csv/csv-file';
import { FindingStore } from './validation-pass-findings';
import { KeyLog } from './validation-pass-keys';
import { refuseStrangers, reportLines } from './validation-pass-lines';
import { keyBlockBytes, reportBlockBytes, takeMemory, type PassMemory } from './validation-pass-memory';
import { PassProgress } from './validation-pass-progress';
import { BlockFile, partsOf, publish, removeParts, RowMarks } from './validation-pass-report';
import { RowPass } from './validation-pass-rows';
import { SplicedCopy, spliceBytes } from './validation-pass-splice';
import { AttemptStore } from './validation-pass-store';

// After so many reads other events of this thread get their turn: errors of the database, above all.
const readsPerTurn = 16;

/** Runs one attempt of a validation in this thread; see `ValidationThreads` for what it promises. */
export async function executeValidationPass(
  input: ValidationPassInput,
  onProgress: (progress: ValidationPassProgress) => void,
  memory: PassMemory = takeMemory(),
  handOver: () => Promise<void> = () => Promise.resolve(),
): Promise<ValidationPassResult> {
  const store = new AttemptStore(input.database.connectionString, input.runId, input.attempt);
  // The connection is made while the file is looked at; whether it was is asked below.
  const opened = store.open();
  opened.catch(() => undefined);
  let file: OpenFile | undefined;
  let pass: Pass | undefined;
  try {
    file = await openFile(input.uploadPath, input.ruleSet, memory.memory);
    pass = new Pass(input, file, store, memory, onProgress, handOver);
    await opened;
    return await pass.run();
  } catch (error) {
    await pass?.discard();
    throw error;
  } finally {
    store.close();
    file?.close();
  }
}

/** What a pass writes on the disk. */
type Report = BlockFile | SplicedCopy;

class Pass {
  private readonly catalog = new FindingCatalog();
  private readonly header: HeaderMap;
  private readonly checker: RowChecker;
  private readonly keys: UniqueKey[];
  private readonly writer: RowWriter;
  private readonly findings: FindingStore;
  private readonly runId: Buffer;
  private readonly marks = new RowMarks();
  private readonly privateCells: number[];
  private readonly open: Report[] = [];
  private rowPass: RowPass | undefined;
  private readonly progress: PassProgress;

  constructor(
    private readonly input: ValidationPassInput,
    private readonly file: OpenFile,
    private readonly store: AttemptStore,
    private readonly memory: PassMemory,
    onProgress: (progress: ValidationPassProgress) => void,
    private readonly handOver: () => Promise<void>,
  ) {
    const { ruleSet } = input;
    this.header = mapHeader(file.header, ruleSet, this.catalog);
    refuseStrangers(this.header, ruleSet);
    this.checker = new RowChecker(this.header, ruleSet, this.catalog, file.encoding);
    this.keys = ruleSet === undefined ? [] : compileKeys(ruleSet, this.header, this.catalog);
    this.privateCells = this.header.ruleCells.filter(
      (cell, index) => cell >= 0 && ruleSet?.columns[index]?.private === true,
    );
    this.writer = new RowWriter(this.header, this.privateCells, this.catalog.kinds, {
      ...file.dialect,
      delimiter: file.dialect.delimiter.charCodeAt(0),
    });
    this.findings = new FindingStore(this.catalog, input.maxStoredFindings);
    const counts = () => ({
      rowsRead: this.rowPass?.read ?? 0,
      findings: (this.rowPass?.findingCount ?? 0) + this.catalog.ofFile.length,
    });
    this.progress = new PassProgress(counts, onProgress);
    this.runId = Buffer.from(input.runId.replaceAll('-', ''), 'hex');
  }

  async run(): Promise<ValidationPassResult> {
    removeParts(this.input.reportPath);
    const { reportBegin } = this.memory;
    const draft = this.create(0, reportBegin, reportBlockBytes);
    const keyLog = this.keys.length > 0 ? this.createKeyLog() : undefined;
    const rows = await this.takeRows(draft, keyLog);
    this.progress.begins('rules');
    const final = await this.addDuplicates(draft, rows, keyLog);
    this.progress.begins('results');
    return await this.complete(final, rows);
  }

  /** Closes and removes what is no report yet. */
  async discard(): Promise<void> {
    await Promise.all(this.open.map((file) => file.close()));
    removeParts(this.input.reportPath);
  }

  private create(part: 0 | 2, begin: number, blockBytes: number): BlockFile {
    const file = new BlockFile(partsOf(this.input.reportPath)[part]!, this.memory.memory, begin, blockBytes);
    this.open.push(file);
    return file;
  }

  private createKeyLog(): KeyLog {
    // A row is hardly shorter than the header line's names, and a guess that is wrong costs speed only.
    const headerBytes = this.file.header.reduce((sum, name) => sum + name.length + 1, 0);
    const expectedRows = Math.ceil(this.file.encoding.sizeBytes / Math.max(16, headerBytes));
    const file = this.create(2, this.memory.keysBegin, keyBlockBytes);
    return new KeyLog(this.keys, file, this.memory.memory, expectedRows);
  }

  private async takeRows(draft: BlockFile, keys: KeyLog | undefined): Promise<RowPass> {
    draft.append(this.writer.headerLine());
    const channel = this.store.copyRows(this.memory.rows);
    const pass = (this.rowPass = new RowPass({
      scanner: this.file.scanner,
      checker: this.checker,
      catalog: this.catalog,
      writer: this.writer,
      keys,
      findings: this.findings,
      draft,
      marks: this.marks,
      rows: channel,
      runId: this.runId,
      hasPrivate: this.privateCells.length > 0,
    }));
    await this.feed(pass, channel, () => {
      // A draft with a key that occurs twice will be copied, and only the copy has to last.
      if (keys?.mayHaveDuplicates !== true) draft.writeBack();
    });
    await channel.close();
    draft.flush();
    return pass;
  }

  private async feed(pass: RowPass, channel: CopyChannel, onTurn: () => void): Promise<void> {
    let reads = 0;
    for (let hasMore = true; ;) {
      if (pass.drain() === 'output') {
        await channel.free();
        continue;
      }
      if (!hasMore) return;
      hasMore = this.file.fill();
      this.progress.reading(this.file.share());
      if (++reads % readsPerTurn === 0) {
        onTurn();
        await new Promise(setImmediate);
      }
      channel.throwFailure();
    }
  }

  /** The report with the findings about keys: the draft itself when no key occurs twice. */
  private async addDuplicates(draft: BlockFile, rows: RowPass, keys: KeyLog | undefined): Promise<Report> {
    if (keys?.mayHaveDuplicates !== true) return draft;
    let pass: DuplicatePass | undefined;
    let final: SplicedCopy | undefined;
    for await (const duplicates of this.store.duplicates(keys.repeated())) {
      final ??= this.createCopy(draft);
      pass ??= this.duplicatePass(draft, final);
      pass.add(duplicates);
      await final.room();
    }
    if (pass === undefined || final === undefined) return draft;
    pass.finish();
    rows.invalid += pass.invalid;
    rows.findingCount += pass.findingCount;
    return final;
  }

  private createCopy(draft: BlockFile): SplicedCopy {
    // The scanner of the file has done its work.
    const memory = this.memory.memory.subarray(0, spliceBytes);
    const copy = new SplicedCopy(partsOf(this.input.reportPath)[1]!, draft, memory);
    this.open.push(copy);
    return copy;
  }

  private duplicatePass(draft: BlockFile, final: SplicedCopy): DuplicatePass {
    const { delimiter, newline } = this.file.dialect;
    return new DuplicatePass({
      draft,
      final,
      memory: this.memory,
      marks: this.marks,
      header: this.header,
      delimiter: delimiter.charCodeAt(0),
      returnEndsLine: newline === 'cr',
      keys: this.keys,
      catalog: this.catalog,
      findings: this.findings,
    });
  }

  private async complete(report: Report, rows: RowPass): Promise<ValidationPassResult> {
    this.addFileFindings(rows);
    // Beside the findings, and before the run is held.
    const written = report.finish();
    written.catch(() => undefined);
    await this.store.storeFindings(this.findings.toCopy(this.runId));
    const result: ValidationPassResult = {
      rows: { read: rows.read, valid: rows.read - rows.invalid, invalid: rows.invalid },
      dialect: this.file.dialect,
      columns: this.header.names,
      findingCounts: this.catalog.totals(),
      findingsStored: this.findings.count,
      reportBytes: report.length,
    };
    await written;
    const { reportPath, isReportElsewhere = false } = this.input;
    if (isReportElsewhere) {
      // It may take minutes, in which nobody should wait for the run.
      publish(report.path, reportPath);
      await this.handOver();
    }
    await this.store.holdRun();
    if (!isReportElsewhere) publish(report.path, reportPath);
    await this.store.commit({
      ...result,
      findings: rows.findingCount + this.catalog.ofFile.length,
      summary: result.findingCounts,
    });
    await this.discard();
    return result;
  }

  private addFileFindings(rows: RowPass): void {
    this.checker.finish();
    reportLines(this.file.scanner, rows.read, this.catalog);
    for (const kind of this.catalog.ofFile)
      if (this.findings.wants(kind)) this.findings.add(0, 0, kind, null);
  }
}
