/** What goes to the process. */
export interface SandboxOrder<T = unknown> {
  readonly input: T;
}

/** What comes back from it. */
export type SandboxReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly percent: number }
  | { readonly kind: 'done'; readonly output: unknown }
  | { readonly kind: 'failed'; readonly isFinal: boolean; readonly name: string; readonly message: string };
