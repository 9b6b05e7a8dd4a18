import type { MailTemplate } from './mail-template';

/** What every Holdfast can send. */
export const shippedMailTemplates: readonly MailTemplate[] = [
  {
    name: 'welcome',
    description: 'Greets somebody who has just been given an account.',
    subject: 'Welcome, {{ name }}',
    body: `<h1>Welcome, {{ name }}</h1>
<p>Your account is ready.</p>
{% if url %}<p><a href="{{ url }}">Open it</a></p>{% endif %}`,
    variables: {
      name: { kind: 'text', description: 'Who is greeted', example: 'Ada' },
      url: {
        kind: 'url',
        description: 'Where the account is',
        isOptional: true,
        example: 'https://example.org/me',
      },
    },
  },

  {
    name: 'security_alert',
    description: 'Tells somebody what has happened to their account.',
    subject: 'Something has happened to your account: {{ event }}',
    body: `<h1>{{ event }}</h1>
<p>Hello {{ name }}, this happened at {{ time }}{% if ip %} from the address {{ ip }}{% endif %}.</p>
<p>If it was you, there is nothing to do.{% if url %} If not, <a href="{{ url }}">secure your account</a>.{% endif %}</p>`,
    variables: {
      name: { kind: 'text', description: 'Whose account it is', example: 'Ada' },
      event: { kind: 'text', description: 'What has happened', example: 'A new device was used' },
      time: { kind: 'text', description: 'When, as it is to be read', example: '26 November 2026, 9:30' },
      ip: { kind: 'text', description: 'From where', isOptional: true, example: '192.0.2.7' },
      url: {
        kind: 'url',
        description: 'Where it can be undone',
        isOptional: true,
        example: 'https://example.org/security',
      },
    },
  },

  {
    name: 'notification',
    description: 'Tells somebody by mail what a notification says.',
    subject: '{{ title }}',
    body: `<h1>{{ title }}</h1>
{% assign lines = body | split: "\\n" %}<p>{% for line in lines %}{{ line | strip }}{% unless forloop.last %}<br>{% endunless %}{% endfor %}</p>`,
    variables: {
      title: { kind: 'text', description: 'What it is about', example: 'Your export is ready' },
      body: { kind: 'text', description: 'What there is to say', example: 'It has 2,000 rows.' },
    },
  },

  {
    name: 'test',
    description: 'Shows that mail is delivered.',
    subject: 'A test mail',
    body: '<h1>It works</h1>\n<p>{{ message }}</p>',
    variables: {
      message: {
        kind: 'text',
        description: 'What stands in it',
        example: 'Sent to see whether mail arrives.',
      },
    },
  },
];
