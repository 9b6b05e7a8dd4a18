import FindMyWay, { type HTTPMethod, type HTTPVersion, type Instance } from 'find-my-way';

const nothing = () => undefined;

/** Knows which methods a path answers, by the same router that Fastify uses. */
export class AllowedMethods {
  private readonly router: Instance<HTTPVersion.V1>;
  private readonly known = new Set<string>();
  private readonly methods = new Set<string>();

  constructor(maxParamLength: number) {
    this.router = FindMyWay({ maxParamLength });
  }

  /** Takes in one route; a path that is declared twice counts once. */
  add(method: string | readonly string[], path: string): void {
    for (const one of typeof method === 'string' ? [method] : method) {
      const name = one.toUpperCase();
      if (this.known.has(`${name} ${path}`)) continue;
      this.known.add(`${name} ${path}`);
      this.methods.add(name);
      this.router.on(name as HTTPMethod, path, nothing);
    }
  }

  /** The methods of a request target, sorted; empty when no route has this path. */
  of(target: string): string[] {
    const allowed = [...this.methods].filter((method) => this.matches(method, target));
    if (allowed.length === 0) return [];
    if (allowed.includes('GET')) allowed.push('HEAD');
    return [...new Set([...allowed, 'OPTIONS'])].sort();
  }

  /** An empty path parameter is no match: Nest answers those as unknown paths too. */
  private matches(method: string, target: string): boolean {
    const found = this.router.find(method as HTTPMethod, target);
    if (found === null) return false;
    return Object.entries(found.params).every(([name, value]) => name === '*' || value !== '');
  }
}
