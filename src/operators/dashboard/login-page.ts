import { escaped, page } from '../../platform/http/page';

/** The page that takes a key; works without JavaScript. */
export function loginPage(next: string, wrong?: string): string {
  const alert = wrong === undefined ? '' : `<p role="alert">${escaped(wrong)}</p>`;
  return page(
    'Log in',
    `${alert}
<form method="post" action="/ui/login" enctype="multipart/form-data">
<input type="hidden" name="next" value="${escaped(next)}">
<label for="key">Key</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>
<button type="submit">Log in</button>
</form>
<p>A key comes from <code>npm run keys:create</code>, from an administrator, or from the settings of the server.</p>`,
  );
}

/** The page of somebody who is logged in, with the way out. */
export function logoutPage(name: string): string {
  return page(
    'Logged in',
    `<p>With the key of ${escaped(name)}.</p>
<form method="post" action="/ui/logout" enctype="multipart/form-data">
<input type="hidden" name="leave" value="yes">
<button type="submit">Log out</button>
</form>
<p><a href="/admin/queues">Dashboard</a> · <a href="/docs">API</a></p>`,
  );
}
