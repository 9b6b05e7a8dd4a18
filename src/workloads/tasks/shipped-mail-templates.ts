import type { MailTemplate } from './mail-template';

/** What every Holdfast can send. Document 004 sends three of them without a variable, so that those need none. */
export const shippedMailTemplates: readonly MailTemplate[] = [
  {
    name: 'welcome',
    description: 'Greets somebody who has just been given an account.',
    subject: 'Welcome',
    body: `<h1>Welcome{% if name %}, {{ name }}{% endif %}</h1>
<p>Your account is ready.</p>
{% if url %}<p><a href="{{ url }}">Open it</a></p>{% endif %}`,
    variables: {
      name: { kind: 'text', description: 'Who is greeted', isOptional: true, example: 'Ada' },
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
    subject: 'Something has happened to your account',
    body: `<h1>{{ event | default: "Something has happened to your account" }}</h1>
<p>Hello{% if name %} {{ name }}{% endif %}, this happened{% if time %} at {{ time }}{% endif %}{% if ip %} from the address {{ ip }}{% endif %}.</p>
<p>If it was you, there is nothing to do.{% if url %} If not, <a href="{{ url }}">secure your account</a>.{% endif %}</p>`,
    variables: {
      name: { kind: 'text', description: 'Whose account it is', isOptional: true, example: 'Ada' },
      event: {
        kind: 'text',
        description: 'What has happened',
        isOptional: true,
        example: 'A new device was used',
      },
      time: {
        kind: 'text',
        description: 'When, as it is to be read',
        isOptional: true,
        example: '26 November 2026, 9:30',
      },
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
    name: 'charter_proposal',
    description: 'Tells a client what aircraft there are for a charter flight, or that there are none.',
    subject: 'Your charter flight',
    body: `<h1>{% if offers %}Your charter flight{% else %}No aircraft found{% endif %}</h1>
<p>Hello{% if name %} {{ name }}{% endif %},</p>
<p>{% if offers %}these aircraft can fly{% else %}no aircraft of ours can fly{% endif %} {{ route }}{% if offers %}:{% else %}.{% endif %}</p>
{% if offers %}{% assign lines = offers | split: "\\n" %}<ul>{% for line in lines %}<li>{{ line | strip }}</li>{% endfor %}</ul>{% endif %}
{% if reasons %}{% assign lines = reasons | split: "\\n" %}<p>Why not:</p><ul>{% for line in lines %}<li>{{ line | strip }}</li>{% endfor %}</ul>{% endif %}
{% if notes %}<p>{{ notes }}</p>{% endif %}
<p>Your request: {{ request }}. Prices are estimates in US dollars until an operator has confirmed them.</p>`,
    variables: {
      name: { kind: 'text', description: 'Who is written to', isOptional: true, example: 'Ada' },
      request: { kind: 'text', description: 'The id of the request', example: 'req_0123456789abcdefghijkl' },
      route: {
        kind: 'text',
        description: 'From where to where, and when',
        example: 'KTEB – KVNY on 2027-01-31',
      },
      offers: {
        kind: 'text',
        description: 'One offer per line',
        isOptional: true,
        example: '1. Example Air, Citation CJ3: USD 21,400.00, 5 h 10 min. The cheapest.',
      },
      reasons: {
        kind: 'text',
        description: 'Why there is no offer, one reason per line',
        isOptional: true,
        example: '3 × too few seats',
      },
      notes: {
        kind: 'text',
        description: 'What had to be left out',
        isOptional: true,
        example: 'What this client prefers could not be read.',
      },
    },
  },

  {
    name: 'test',
    description: 'Shows that mail is delivered.',
    subject: 'A test mail',
    body: '<h1>It works</h1>\n<p>{{ message | default: "Sent to see whether mail arrives." }}</p>',
    variables: {
      message: {
        kind: 'text',
        description: 'What stands in it',
        isOptional: true,
        example: 'Sent to see whether mail arrives.',
      },
    },
  },
];
