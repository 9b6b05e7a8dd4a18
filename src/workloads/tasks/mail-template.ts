/** One variable of a template. */
export interface TemplateVariable {
  /** An `url` has to begin with http:// or https://. */
  readonly kind: 'text' | 'url';
  readonly description: string;
  readonly isOptional?: boolean;
  readonly example: string;
}

/** A mail by its name; `subject` and `body` are Liquid, in which every variable is escaped. */
export interface MailTemplate {
  readonly name: string;
  readonly description: string;
  /** Where the sender gives none. */
  readonly subject: string;
  /** What stands in the middle of the page, as HTML. */
  readonly body: string;
  readonly variables: Readonly<Record<string, TemplateVariable>>;
}

/** The values of a template's variables; a number or a yes and no stands in the mail as it is written. */
export type MailVariables = Readonly<Record<string, string | number | boolean>>;

export const MAX_VARIABLE_CHARACTERS = 5_000;

const templates = new Map<string, MailTemplate>();

/** Makes a template known under its name. Throws where the name is taken. */
export function registerMailTemplate(template: MailTemplate): MailTemplate {
  if (templates.has(template.name)) throw new Error(`There are two mail templates "${template.name}".`);
  templates.set(template.name, template);
  return template;
}

export function mailTemplate(name: unknown): MailTemplate | undefined {
  return typeof name === 'string' ? templates.get(name) : undefined;
}

export function mailTemplates(): readonly MailTemplate[] {
  return [...templates.values()];
}

/** What is wrong with the variables for a template; undefined where nothing is. */
export function variablesFault(template: MailTemplate, given: unknown): string | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return 'must be an object';
  }
  const { name: title, variables } = template;
  const values = Object.entries(given);
  const strange = values.find(([name]) => !Object.hasOwn(variables, name));
  if (strange !== undefined) {
    return `"${strange[0].slice(0, 50)}" is no variable of "${title}": it takes ${Object.keys(variables).join(', ')}`;
  }
  const missing = Object.entries(variables).find(
    ([name, { isOptional }]) => isOptional !== true && !Object.hasOwn(given, name),
  );
  if (missing !== undefined) return `"${title}" needs the variable "${missing[0]}"`;
  for (const [name, value] of values) {
    if (
      !['string', 'number', 'boolean'].includes(typeof value) ||
      String(value).length > MAX_VARIABLE_CHARACTERS
    ) {
      return `"${name}" must be a text of at most ${MAX_VARIABLE_CHARACTERS} characters, a number, true or false`;
    }
    if (variables[name]?.kind === 'url' && !/^https?:\/\/[^\s]+$/.test(String(value))) {
      return `"${name}" must begin with http:// or https://`;
    }
  }
  return undefined;
}
