import type { BrowserContext, Page } from 'playwright-core';

// Runs in each page before anything of the page itself.
const listener = `
document.addEventListener('securitypolicyviolation', (event) =>
  window.reportViolation(event.effectiveDirective + ' ' + event.blockedURI + ' on ' + location.href));
`;

/** Sees what a page does that no page of ours may do. */
export class PageWatch {
  readonly alerts: string[] = [];
  readonly violations: string[] = [];
  readonly foreign: string[] = [];
  readonly errors: string[] = [];

  private constructor(
    private readonly context: BrowserContext,
    private readonly origin: string,
  ) {}

  /** Watches every page of the context from now on; `origin` is the only place that it may talk to. */
  static async over(context: BrowserContext, origin: string): Promise<PageWatch> {
    const watch = new PageWatch(context, origin);
    await context.exposeBinding('reportViolation', (_source, text: string) => watch.violations.push(text));
    await context.addInitScript({ content: listener });
    context.on('request', (request) => {
      const { protocol, origin: asked } = new URL(request.url());
      if (/^(?:https?|wss?|ftp):$/.test(protocol) && asked !== origin) watch.foreign.push(request.url());
    });
    context.on('dialog', (dialog) => {
      watch.alerts.push(`${dialog.type()} "${dialog.message()}"`);
      void dialog.dismiss();
    });
    context.on('weberror', (error) => watch.errors.push(error.error().message));
    context.on('console', (message) => {
      if (message.type() !== 'error') return;
      // The same violation a second time, in words, also of a page that was left before its event came.
      if (/Content Security Policy/i.test(message.text())) watch.violations.push(message.text());
      // A page that is meant to be refused says so here as well.
      else if (!message.text().startsWith('Failed to load resource')) watch.errors.push(message.text());
    });
    return watch;
  }

  /** Looks for traces of a text that was run instead of shown, in the page as it stands. */
  async inspect(page: Page, trace: string, result: string): Promise<void> {
    for (const frame of page.frames()) {
      if (new URL(frame.url(), this.origin).origin !== this.origin) continue;
      const { wasRun, text } = await frame.evaluate<{ wasRun: boolean; text: string }>(
        `({ wasRun: window.${trace} !== undefined, text: document.documentElement.textContent ?? '' })`,
      );
      if (wasRun) this.alerts.push(`${trace} was set on ${frame.url()}`);
      if (text.includes(result)) this.alerts.push(`a template was filled in on ${frame.url()}`);
    }
    for (const other of this.context.pages()) {
      if (other !== page) this.alerts.push(`${page.url()} opened ${other.url()}`);
    }
  }

  /** All that was seen, so that a failed expectation names it. */
  get findings(): Record<'alerts' | 'violations' | 'foreign' | 'errors', readonly string[]> {
    const { alerts, violations, foreign, errors } = this;
    return { alerts, violations, foreign, errors };
  }
}
