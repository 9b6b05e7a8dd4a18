/**
 * A pattern that is put together of parts. Whatever repeats in it is bounded, because the message of a stranger is
 * searched with it; recheck cannot look into it where it stands.
 */
export function phrase(source: string, flags: string): RegExp {
  return new RegExp(source, flags);
}
