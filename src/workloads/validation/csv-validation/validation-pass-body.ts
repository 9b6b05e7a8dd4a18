import { FindingCatalog } from '../../../integrations/csv/finding-catalog';
import { mapHeader, type HeaderMap } from '../../../integrations/csv/header';
import { RowWriter } from '../../../integrations/csv/report-row';
import { RowChecker } from '../../../integrations/csv/row-checker';
import type { RuleSet } from '../../../integrations/csv/rule-set';
import { compileKeys, type UniqueKey } from '../../../integrations/csv/unique-keys';
import { UnreadableFileError } from '../../../integrations/csv/unreadable-file';
import type {
  ValidationPassInput,
  ValidationPassProgress,
  ValidationPassResult,
} from './validation-pass-contract';
import type { CopyChannel } from './validation-pass-copy';
import { DuplicatePass } from './validation-pass-duplicates';
import { openFile, type OpenFile } from './validation-pass-file';
import { FindingStore } from './validation-pass-findings';
import { KeyLog } from './validation-pass-keys';
import { keyBlockBytes, reportBlockBytes, takeMemory, type PassMemory } from './validation-pass-memory';
import { BlockFile, partsOf, removeParts, RowMarks } from './validation-pass-report';
import { RowPass } from './validation-pass-rows';
import { AttemptStore } from './validation-pass-store';

// The bands of document 002; the passes themselves overlap: rows are parsed, checked and stored in one go.
const bands = { store: 50, rules: 75, results: 90 };
const progressIntervalMs = 250;
// After so many reads other events of this thread get their turn: errors of the database, above all.
const readsPerTurn = 16;

/** Runs one attempt of a validation in this thread; see `ValidationThreads` for what it promises. */
export async function executeValidationPass(
  input: ValidationPassInput,
  onProgress: (progress: ValidationPassProgress) => void,
  memory: PassMemory = takeMemory(),
): Promise<ValidationPassResult> {
  const store = new AttemptStore(input.database.connectionString, input.runId, input.attempt);
  // The connection is made while the file is looked at; whether it was is asked below.
  const opened = store.open();
  opened.catch(() => undefined);
  let file: OpenFile | undefined;
  let pass: Pass | undefined;
  try {
    file = await openFile(input.uploadPath, input.ruleSet, memory.memory);
    pass = new Pass(input, file, store, memory, onProgress);
    await opened;
    return await pass.run();
  } catch (error) {
    pass?.discard();
    throw error;
  } finally {
    store.close();
    file?.close();
  }
}

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
  private readonly open: BlockFile[] = [];
  private rowPass: RowPass | undefined;
  private reportedAt = 0;

  constructor(
    private readonly input: ValidationPassInput,
    private readonly file: OpenFile,
    private readonly store: AttemptStore,
    private readonly memory: PassMemory,
    private readonly onProgress: (progress: ValidationPassProgress) => void,
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
    this.runId = Buffer.from(input.runId.replaceAll('-', ''), 'hex');
  }

  async run(): Promise<ValidationPassResult> {
    removeParts(this.input.reportPath);
    const { reportBegin } = this.memory;
    const draft = this.create(0, reportBegin, reportBlockBytes);
    const keyLog = this.keys.length > 0 ? this.createKeyLog() : undefined;
    const rows = await this.takeRows(draft, keyLog);
    this.report('rules', bands.rules);
    const final = await this.addDuplicates(draft, rows, keyLog);
    this.report('results', bands.results);
    return await this.complete(final, rows);
  }

  /** Closes and removes what is no report yet. */
  discard(): void {
    for (const file of this.open) file.close();
    removeParts(this.input.reportPath);
  }

  private create(part: 0 | 1 | 2, begin: number, blockBytes: number): BlockFile {
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
    await this.feed(pass, channel);
    await channel.close();
    draft.flush();
    return pass;
  }

  private async feed(pass: RowPass, channel: CopyChannel): Promise<void> {
    let reads = 0;
    for (let hasMore = true; ;) {
      if (pass.drain() === 'output') {
        await channel.free();
        continue;
      }
      if (!hasMore) return;
      hasMore = this.file.fill();
      this.reportReading();
      if (++reads % readsPerTurn === 0) await new Promise(setImmediate);
      channel.throwFailure();
    }
  }

  /** The report with the findings about keys: the draft itself when no key occurs twice. */
  private async addDuplicates(draft: BlockFile, rows: RowPass, keys: KeyLog | undefined): Promise<BlockFile> {
    if (keys?.mayHaveDuplicates !== true) return draft;
    let pass: DuplicatePass | undefined;
    let final = draft;
    for await (const duplicates of this.store.duplicates(keys.repeated())) {
      if (pass === undefined) {
        final = this.create(1, this.memory.reportBegin, reportBlockBytes);
        pass = this.duplicatePass(draft, final);
      }
      pass.add(duplicates);
    }
    if (pass === undefined) return draft;
    pass.finish();
    rows.invalid += pass.invalid;
    rows.findingCount += pass.findingCount;
    this.close(draft);
    return final;
  }

  private duplicatePass(draft: BlockFile, final: BlockFile): DuplicatePass {
    const { delimiter, newline } = this.file.dialect;
    return new DuplicatePass({
      draft,
      final,
      marks: this.marks,
      header: this.header,
      delimiter: delimiter.charCodeAt(0),
      returnEndsLine: newline === 'cr',
      keys: this.keys,
      catalog: this.catalog,
      findings: this.findings,
    });
  }

  private async complete(report: BlockFile, rows: RowPass): Promise<ValidationPassResult> {
    this.addFileFindings(rows);
    await this.store.storeFindings(this.findings.toCopy(this.runId));
    const result: ValidationPassResult = {
      rows: { read: rows.read, valid: rows.read - rows.invalid, invalid: rows.invalid },
      dialect: this.file.dialect,
      columns: this.header.names,
      findingCounts: this.catalog.totals(),
      findingsStored: this.findings.count,
      reportBytes: report.length,
    };
    await this.store.holdRun();
    report.publish(this.input.reportPath);
    this.open.splice(this.open.indexOf(report), 1);
    await this.store.commit({
      ...result,
      findings: rows.findingCount + this.catalog.ofFile.length,
      summary: result.findingCounts,
    });
    this.discard();
    return result;
  }

  private addFileFindings(rows: RowPass): void {
    const { scanner } = this.file;
    this.checker.finish();
    if (rows.read === 0) {
      this.catalog.report({
        rule: 'no_rows',
        column: null,
        severity: 'warning',
        message: 'The file has a header line and nothing else; add rows, or check the export.',
      });
    }
    if (scanner.blankLines > 0 && scanner.firstBlankLine < scanner.line) {
      this.catalog.report({
        rule: 'blank_lines',
        column: null,
        severity: 'info',
        message: `Empty lines were passed over; the first is line ${scanner.firstBlankLine}.`,
      });
    }
    for (const kind of this.catalog.ofFile)
      if (this.findings.wants(kind)) this.findings.add(0, 0, kind, null);
  }

  private close(file: BlockFile): void {
    this.open.splice(this.open.indexOf(file), 1);
    file.close();
  }

  private reportReading(): void {
    const now = Date.now();
    if (now - this.reportedAt < progressIntervalMs) return;
    this.reportedAt = now;
    const percent = bands.rules * this.file.share();
    this.report(percent < bands.store ? 'parse' : 'store', percent);
  }

  private report(stage: ValidationPassProgress['stage'], percent: number): void {
    this.onProgress({
      stage,
      percent: Math.round(percent * 100) / 100,
      rowsRead: this.rowPass?.read ?? 0,
      findings: (this.rowPass?.findingCount ?? 0) + this.catalog.ofFile.length,
    });
  }
}

/** A header line with none of the columns that the rules name is no header line, or that of another file. */
function refuseStrangers(header: HeaderMap, ruleSet: RuleSet | undefined): void {
  if (ruleSet === undefined || header.ruleCells.some((cell) => cell >= 0)) return;
  const names = ruleSet.columns.slice(0, 5).map((column) => `"${column.name}"`);
  const more = ruleSet.columns.length > names.length ? ' …' : '';
  throw new UnreadableFileError(
    'header_unrecognised',
    `The first line has none of the columns that the rule set "${ruleSet.name}" expects (${names.join(', ')}${more}); ` +
      'add a header line, or choose the right rule set.',
  );
}
