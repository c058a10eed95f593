import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose';

const tokenSeconds = 3_600;

/** An identity provider on the loopback address, with one key. */
export class TokenIssuer {
  #server;
  #key;

  /** @param saved key of an earlier run, as a private JWK */
  async listen(port = 0, saved) {
    if (saved) this.jwk = saved;
    else this.jwk = { ...(await exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey)), kid: 'aarm', alg: 'ES256', use: 'sig' };
    this.#key = await importJWK(this.jwk, 'ES256');
    const { d: _private, ...open } = this.jwk;
    this.#server = createServer((_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [open] })));
    await new Promise((done, fail) => this.#server.once('error', fail).listen(port, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  close() {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  /** A token for who acts, and, with `person`, for whom, and through which services (RFC 8693, section 4.1). */
  async token(agent, { person, through = [], audience, key = this.#key, age = 0 } = {}) {
    const act = [agent, ...through].reduceRight((inner, sub) => ({ sub, ...(inner && { act: inner }) }), undefined);
    const issued = Math.floor(Date.now() / 1000) - age;
    return new SignJWT(person === undefined ? {} : { act }).setProtectedHeader({ alg: 'ES256', kid: 'aarm' }).setIssuer(this.url).setSubject(person ?? agent).setAudience(audience).setIssuedAt(issued).setExpirationTime(issued + tokenSeconds).sign(key);
  }
}
