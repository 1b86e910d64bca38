/**
 * Sign-in by cookie, for a Temporal UI without an access token to pass: it then sends cookies with its requests
 * ("Include cross-origin credentials").
 */
import { randomBytes } from 'node:crypto';

const LIFETIME_MS = 8 * 60 * 60 * 1_000;
const MOST_SESSIONS = 1_000;
const COOKIE = 'sluice-codec';

export class Sessions {
  /** In the order of creation. */
  private readonly sessions = new Map<string, { readonly name: string; readonly until: number }>();

  constructor(private readonly isSecure: boolean) {}

  /** Returns the value for `Set-Cookie`. Scripts cannot read the cookie, and other sites cannot send it. */
  open(name: string): string {
    const id = randomBytes(32).toString('base64url');
    this.sessions.set(id, { name, until: Date.now() + LIFETIME_MS });
    for (const oldest of this.sessions.keys()) {
      if (this.sessions.size <= MOST_SESSIONS) break;
      this.sessions.delete(oldest);
    }
    const attributes = ['HttpOnly', 'SameSite=Strict', 'Path=/', `Max-Age=${LIFETIME_MS / 1_000}`];
    return [`${COOKIE}=${id}`, ...attributes, ...(this.isSecure ? ['Secure'] : [])].join('; ');
  }

  /** Returns the name under which the session was opened. */
  find(cookies: string | undefined): string | undefined {
    const [, id = ''] = new RegExp(`(?:^|;\\s*)${COOKIE}=([A-Za-z0-9_-]+)`).exec(cookies ?? '') ?? [];
    const session = this.sessions.get(id);
    if (session === undefined) return undefined;
    if (session.until > Date.now()) return session.name;
    this.sessions.delete(id);
    return undefined;
  }
}

/** Returns the page on which users sign in. */
export function signInPage(notice: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Sluice codec server</title>
<style>body{font:16px system-ui;max-width:32rem;margin:15vh auto;padding:0 1rem}input{width:100%;margin:.5rem 0;padding:.5rem}</style>
<h1>Sluice codec server</h1>
<p>${notice}</p>
<form method="post" action="/sign-in">
<label>Token <input name="token" type="password" autocomplete="off" autofocus required></label>
<button>Sign in</button>
</form>
</html>
`;
}
