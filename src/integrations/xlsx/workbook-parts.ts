import { escapedText } from './cell-text';

const xml = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const formats = 'http://schemas.openxmlformats.org';
const main = `xmlns="${formats}/spreadsheetml/2006/main"`;
const office = `${formats}/officeDocument/2006/relationships`;
const excel = 'application/vnd.openxmlformats-officedocument.spreadsheetml';

// Style 1 shows a time, style 2 keeps a text that looks like a formula a text.
const styles =
  `${xml}<styleSheet ${main}><numFmts count="1">` +
  '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss.000"/></numFmts>' +
  '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>' +
  '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>' +
  '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>' +
  '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>' +
  '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>' +
  '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>' +
  '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1"/></cellXfs></styleSheet>';

export function sheetPath(number: number): string {
  return `xl/worksheets/sheet${number}.xml`;
}

/** Everything of a workbook but its sheets, by path (ECMA-376, part 1). */
export function workbookParts(name: string, sheets: number): Readonly<Record<string, string>> {
  const each = (one: (number: number) => string) =>
    Array.from({ length: sheets }, (_sheet, at) => one(at + 1)).join('');
  const title = (number: number) => escapedText(number === 1 ? name : `${name} ${number}`);
  const part = (path: string, type: string) =>
    `<Override PartName="/${path}" ContentType="${excel}.${type}+xml"/>`;
  const relation = (id: string, type: string, target: string) =>
    `<Relationship Id="${id}" Type="${office}/${type}" Target="${target}"/>`;
  const relations = (all: string) =>
    `${xml}<Relationships xmlns="${formats}/package/2006/relationships">${all}</Relationships>`;
  return {
    '[Content_Types].xml':
      `${xml}<Types xmlns="${formats}/package/2006/content-types">` +
      '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
      '<Default Extension="xml" ContentType="application/xml"/>' +
      part('xl/workbook.xml', 'sheet.main') +
      part('xl/styles.xml', 'styles') +
      `${each((number) => part(sheetPath(number), 'worksheet'))}</Types>`,
    '_rels/.rels': relations(relation('rId1', 'officeDocument', 'xl/workbook.xml')),
    'xl/workbook.xml':
      `${xml}<workbook ${main} xmlns:r="${office}"><sheets>` +
      each((number) => `<sheet name="${title(number)}" sheetId="${number}" r:id="rId${number}"/>`) +
      '</sheets></workbook>',
    'xl/_rels/workbook.xml.rels': relations(
      each((number) => relation(`rId${number}`, 'worksheet', `worksheets/sheet${number}.xml`)) +
        relation('rIdStyles', 'styles', 'styles.xml'),
    ),
    'xl/styles.xml': styles,
  };
}
