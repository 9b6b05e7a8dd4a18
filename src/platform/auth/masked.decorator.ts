import { routeConfig } from '../http/route-config.decorator';

/** What stands in the place of a payload, a result, an error or a line of a log. */
export const MASK = '•••';

interface RouteWithMask {
  readonly masked?: readonly string[];
}

/**
 * Names the members of an answer that only `payloads:read` shows: `result`, `error.message`, `items.*.value`.
 * The queue is the one that `Requires` asks about.
 */
export const Masked = (...paths: string[]) => routeConfig({ masked: paths } satisfies RouteWithMask);

/** The members that the route of a request masks. */
export function maskedOf(config: unknown): readonly string[] {
  return (config as RouteWithMask | undefined)?.masked ?? [];
}

/** A copy in which each of these members holds the mask, unless it holds nothing. */
export function masked<T>(body: T, paths: readonly string[]): T {
  return paths.reduce((copy, path) => maskedAt(copy, path.split('.')) as T, body);
}

function maskedAt(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (value === null || value === undefined) return value;
  if (name === undefined) return MASK;
  if (typeof value !== 'object') return value;
  if (name === '*') {
    if (Array.isArray(value)) return value.map((one) => maskedAt(one, rest));
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, maskedAt(one, rest)]));
  }
  if (!Object.hasOwn(value, name)) return value;
  return { ...value, [name]: maskedAt((value as Record<string, unknown>)[name], rest) };
}
