type PayloadType = abstract new () => object;

const declared = new WeakMap<object, Set<string>>();
const known = new WeakMap<PayloadType, readonly string[]>();
const none: readonly string[] = [];

/**
 * Marks a text of a payload as secret: Redis and PostgreSQL get it sealed, only the handler gets it open, and no
 * answer, page, log line or error shows it. Top-level fields only.
 */
export function Secret(): PropertyDecorator {
  return (target, field) => {
    if (typeof field !== 'string') throw new Error('A secret field needs a name.');
    const fields = declared.get(target) ?? new Set();
    declared.set(target, fields.add(field));
  };
}

/** The secret fields of a payload class, those of its parents among them. */
export function secretFieldsOf(type: PayloadType): readonly string[] {
  let fields = known.get(type);
  if (fields === undefined) {
    const found = new Set<string>();
    for (
      let at = type.prototype as object | null;
      at !== null;
      at = Object.getPrototypeOf(at) as object | null
    ) {
      declared.get(at)?.forEach((field) => found.add(field));
    }
    fields = found.size === 0 ? none : [...found];
    known.set(type, fields);
  }
  return fields;
}
