import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';

const tokenSeconds = 600;

/** The administrators' HTTP API, as one person or another. */
export class Administrators {
  #tokens = new Map();

  constructor(installation) {
    this.installation = installation;
  }

  get = (path, person = 'operator') => this.#ask(path, person, {});
  post = (path, body, person = 'operator') => this.#ask(path, person, { method: 'POST', body: JSON.stringify(body) });

  async #ask(path, person, init) {
    const headers = { authorization: `Bearer ${await this.#token(person)}`, 'content-type': 'application/json' };
    const response = await fetch(`${this.installation.administrators}${path}`, { ...init, headers, signal: AbortSignal.timeout(30_000) });
    const body = await response.json().catch(() => undefined);
    return { status: response.status, ok: response.ok, body, why: body?.error?.message };
  }

  /** People's tokens are signed with the installation's own key, as the `flyball` command does it. */
  async #token(person) {
    const known = this.#tokens.get(person);
    if (known) return known;
    const key = createPrivateKey(this.installation.read('.flyball/local-issuer.pem'));
    const token = await new SignJWT({}).setProtectedHeader({ alg: 'EdDSA', typ: 'JWT' }).setIssuer('flyball:local').setSubject(person).setAudience('flyball:administrators').setIssuedAt().setExpirationTime(`${tokenSeconds}s`).sign(key);
    this.#tokens.set(person, token);
    return token;
  }
}
