import { variablesFault, type MailTemplate } from './mail-template';
import { renderMail } from './render-mail';
import { shippedMailTemplates } from './shipped-mail-templates';

const letter: MailTemplate = {
  name: 'letter',
  description: 'For this spec.',
  subject: 'For {{ name }}, {{ count }} times',
  body: '<p>{{ name }}: {{ count }}{% if link %} <a href="{{ link }}">there</a>{% endif %}</p>',
  variables: {
    name: { kind: 'text', description: 'Who', example: 'Ada' },
    count: { kind: 'text', description: 'How often', isOptional: true, example: '2' },
    link: { kind: 'url', description: 'Where', isOptional: true, example: 'https://example.org' },
  },
};

describe('templates of mails', () => {
  it.each([
    [{ name: 'Ada' }, undefined],
    [{ name: 'Ada', count: 3 }, undefined],
    [{ name: true, link: 'https://example.org' }, undefined],
    [{}, '"letter" needs the variable "name"'],
    [{ name: 'Ada', nmae: 'x' }, '"nmae" is no variable of "letter": it takes name, count, link'],
    [{ name: null }, '"name" must be a text of at most 5000 characters, a number, true or false'],
    [{ name: 'Ada', link: 5 }, '"link" must begin with http:// or https://'],
    ['text', 'must be an object'],
  ])('says of %j: %j', (variables, fault) => {
    expect(variablesFault(letter, variables)).toBe(fault);
  });

  it('puts numbers and texts in, escaped in the HTML and plain in the subject', async () => {
    expect(await renderMail(letter, { name: '<b>', count: 3 })).toMatchObject({
      subject: 'For <b>, 3 times',
      html: expect.stringContaining('<p>&lt;b&gt;: 3</p>'),
      text: '<b>: 3',
    });
  });

  it.each(['welcome', 'security_alert', 'test'])(
    '"%s" is a whole mail without a variable, as document 004 sends it',
    async (name) => {
      const template = shippedMailTemplates.find((one) => one.name === name)!;
      expect(variablesFault(template, {})).toBeUndefined();
      const { subject, text, html } = await renderMail(template, {});
      expect(subject).not.toMatch(/[{}]|^\s*$/);
      expect(text).not.toMatch(/[{}<>]|: *$| ,|\s{3}/);
      expect(html).toContain('<h1>');
    },
  );
});
