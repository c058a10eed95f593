import { generateKeyPairSync } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { listeningFile, withDesk } from '../packages/server/src/cli/open-desk.js';
import { loadConfig } from '../packages/server/src/config.js';
import { loadLocalKey, signLocalToken, signProof } from '../packages/server/src/identity/index.js';
import { openBundle, type RunningGovernor, startGovernor, writeInstallation } from './support/governor.js';

interface Seen {
  readonly url: string;
  readonly authorization: string | undefined;
}

/** Somebody who listens where a governor could, and keeps what is said to them. */
class Stranger {
  readonly seen: Seen[] = [];
  readonly #server: Server;

  constructor(answer: (url: string, stranger: Stranger) => Promise<string> | string, status = 200, headers: Readonly<Record<string, string>> = {}) {
    this.#server = createServer((asked, response) => {
      this.seen.push({ url: asked.url ?? '', authorization: asked.headers.authorization });
      void Promise.resolve(answer(asked.url ?? '', this)).then((text) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text));
    });
  }

  async listen(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return this;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const data = ({ directory }: { readonly directory: string }): string => join(directory, '.flyball');
const configOf = (directory: string) => loadConfig(join(directory, 'flyball.yaml'), {});
const announce = (governor: RunningGovernor, address: string): void => writeFileSync(listeningFile(data(governor)), JSON.stringify({ administrators: address }));
const nonceIn = (url: string): string => new URL(url, 'http://x').searchParams.get('nonce') ?? '';
const people: readonly (string | undefined)[] = [undefined, 'ann'];

/** What another server says to a question, asked under its own name. */
function relayed(base: string, url: string): Promise<string> {
  return new Promise((done, failed) => {
    request(new URL(url, base), (response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part)).on('end', () => done(text));
    }).on('error', failed).end();
  });
}

let governor: RunningGovernor;
/** A folder with a store of its own, in which nothing runs. */
let stopped: RunningGovernor;
let stranger: Stranger | undefined;
beforeAll(async () => {
  [governor, stopped] = await Promise.all([startGovernor(), startGovernor()]);
  await stopped.stop();
});
afterAll(() => Promise.all([governor?.remove(), stopped?.remove()]));
afterEach(() => {
  stranger?.close();
  stranger = undefined;
});

const nothingWasSent = ({ seen }: Stranger): void => {
  expect(seen.length).toBeGreaterThan(0);
  expect(seen.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  expect(seen.every(({ url }) => url.startsWith('/v1/installation?nonce='))).toBe(true);
};

describe('who answers where the governor would', () => {
  test('story: the governor that runs is asked, by the operator and by a person', async () => {
    for (const person of people) expect(await withDesk(configOf(governor.directory), person, (desk) => desk.waiting.inbox('ann', undefined))).toEqual({ rows: [] });
    const reloaded = await withDesk(configOf(governor.directory), 'ann', (desk) => desk.reload());
    expect(reloaded).toMatchObject({ changed: false });
  });

  test.each(['localhost', '0.0.0.0'])('story: a governor that listens as %s is found and believed', async (host) => {
    const other = await startGovernor({ config: `administrators: { host: ${host}, port: 0 }` });
    try {
      for (const person of people) expect(await withDesk(configOf(other.directory), person, (desk) => desk.waiting.inbox('ann', undefined))).toEqual({ rows: [] });
    } finally {
      await other.remove();
    }
  });

  const key = generateKeyPairSync('ed25519').privateKey;
  const forgers: Readonly<Record<string, () => Stranger>> = {
    'says nothing of itself': () => new Stranger(() => '{}'),
    'sends the question on to the governor': () => new Stranger(() => '', 307, { location: `${governor.administrators}/v1/installation` }),
    'answers without an end': () => new Stranger(() => `{"proof":"${'x'.repeat(1 << 20)}"}`),
    'proves with a key of its own': () => new Stranger(async (url, { address }) => JSON.stringify({ proof: await signProof(key, { nonce: nonceIn(url), address }, Date.now()) })),
    'shows a token of the installation': () => new Stranger(async () => JSON.stringify({ proof: await signLocalToken(loadLocalKey(data(stopped)), { subject: 'operator', audience: 'flyball:command', nowMs: Date.now(), ttlMs: 60_000 }) })),
    'shows the proof of another question': () => new Stranger(async (_url, { address }) => JSON.stringify({ proof: await signProof(loadLocalKey(data(stopped)), { nonce: 'n'.repeat(36), address }, Date.now()) })),
    'shows an old proof': () => new Stranger(async (url, { address }) => JSON.stringify({ proof: await signProof(loadLocalKey(data(stopped)), { nonce: nonceIn(url), address }, Date.now() - 600_000) })),
  };
  test.each(Object.entries(forgers))('attack: an impostor on the port of a governor that is gone gets no token: it %s', async (_what, make) => {
    stranger = await make().listen();
    announce(stopped, stranger.address);
    for (const person of people) expect(await withDesk(configOf(stopped.directory), person, (desk) => desk.status())).toMatchObject({ store: 'embedded' });
    nothingWasSent(stranger);
  });

  test('attack: an impostor that passes on the proof of the governor, which runs on another port, gets no token', async () => {
    const { administrators } = governor;
    stranger = await new Stranger((url) => relayed(administrators, url)).listen();
    announce(governor, stranger.address);
    try {
      for (const person of people) {
        const refused = withDesk(configOf(governor.directory), person, (desk) => desk.status());
        await expect(refused).rejects.toMatchObject({ code: 'store_locked', message: expect.stringMatching(`is in use by process[^]*\`${stranger.address}\` answers, but not with the key of this installation`) as string });
      }
      nothingWasSent(stranger);
    } finally {
      announce(governor, administrators);
    }
    expect(await withDesk(configOf(governor.directory), 'ann', (desk) => desk.waiting.inbox('ann', undefined))).toEqual({ rows: [] });
  });

  test('story: another installation\'s governor on the configured port is told nothing, and the own store is used', async () => {
    rmSync(listeningFile(data(stopped)), { force: true });
    const { administrators } = governor;
    stranger = await new Stranger((url) => relayed(administrators, url)).listen();
    for (const address of [stranger.address, administrators]) {
      writeInstallation({ directory: stopped.directory, files: openBundle, config: `administrators: { host: 127.0.0.1, port: ${new URL(address).port} }` });
      const config = configOf(stopped.directory);
      const answers = await withDesk(config, 'ann', async (desk) => [await desk.status(), await desk.waiting.inbox('ann', undefined)]);
      expect(answers).toMatchObject([{ store: 'embedded' }, { rows: [] }]);
    }
    nothingWasSent(stranger);
  });

  test('attack: without the key, and with a new one, nothing that answers is believed', async () => {
    const own = join(data(governor), 'local-issuer.pem');
    const replaced = /answers, but not with the key of this installation.*started before the key was replaced/;
    renameSync(own, `${own}.aside`);
    try {
      await expect(withDesk(configOf(governor.directory), 'ann', (desk) => desk.status())).rejects.toThrow(replaced);
      writeFileSync(own, key.export({ type: 'pkcs8', format: 'pem' }));
      await expect(withDesk(configOf(governor.directory), 'ann', (desk) => desk.status())).rejects.toThrow(replaced);
    } finally {
      renameSync(`${own}.aside`, own);
    }
    expect(await withDesk(configOf(governor.directory), 'ann', (desk) => desk.waiting.inbox('ann', undefined))).toEqual({ rows: [] });
  });
});

describe('the route of the proof', () => {
  const nonce = 'a'.repeat(36);
  const ask = (query: string, headers: Readonly<Record<string, string>> = {}) => fetch(`${governor.administrators}/v1/installation${query}`, { headers });

  test('attack: a proof is no token, for neither listener', async () => {
    const { proof } = (await (await ask(`?nonce=${nonce}`)).json()) as { proof: string };
    for (const url of [`${governor.administrators}/v1/me`, `${governor.administrators}/v1/status`, governor.url('/v1/sessions'), governor.url('/mcp')]) {
      expect((await fetch(url, { headers: { authorization: `Bearer ${proof}` } })).status, url).toBe(401);
    }
  });

  test.each(['', '?nonce=', '?nonce=short', `?nonce=${'a'.repeat(129)}`, `?nonce=${encodeURIComponent(`${nonce}"`)}`, `?other=${nonce}`])('attack: nothing is signed for what is no nonce: %s', async (query) => {
    const answer = await ask(query);
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('expected a `nonce`')]);
  });

  test('attack: no page of somebody else\'s has a proof made for it', async () => {
    expect((await ask(`?nonce=${nonce}`, { origin: 'https://evil.example' })).status).toBe(403);
  });
});
