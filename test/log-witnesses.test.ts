import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { keyIdOf, openCosigned, parseCosignerKey } from '@flyball/tlog';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signerOf } from '../packages/server/src/ledger/log/log-keys.js';
import { witnessKey } from '../packages/tlog/src/small-log.kit.js';
import { type Canary, startCanary } from './support/canary.js';
import { moneyBundle, openClient, transferTo, wasDone } from './support/exported-record.js';
import { type RunningGovernor, startGovernor, waitFor, writeInstallation } from './support/governor.js';
import { audit, codes, exported, promised, promiseOf, receiptOf, statusOf } from './support/log-governor.js';
import { MemoryWitness } from './support/log-witness.js';
import { startPostgres } from './support/postgres.js';
import { freePort, tlogTools } from './support/programs.js';
import type { WireClient } from './support/wire.js';

const run = promisify(execFile);
const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);

const tools = await tlogTools();
if (tools === undefined) console.warn('test/log-witnesses.test.ts is skipped in part: there is no Go to build the tools with');

const origin = 'flyball.example/witnessed';
const folder = mkdtempSync(join(tmpdir(), 'flyball-witnesses-'));
const servers: Server[] = [];
afterAll(() => {
  servers.forEach((server) => server.closeAllConnections());
  servers.forEach((server) => server.close());
  rmSync(folder, { recursive: true, force: true });
});

function serve(listener: RequestListener): Promise<string> {
  return new Promise((done) => {
    const server = createServer(listener).listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
    servers.push(server);
  });
}

const installed = { canary: undefined as Canary | undefined };
beforeAll(async () => void (installed.canary = await startCanary()));
afterAll(() => installed.canary?.stop());

/** A governor whose log is asked to be cosigned. */
async function witnessed(witnesses: readonly { readonly url: string; readonly key: string }[], key = generateKeyPairSync('ed25519').privateKey) {
  const config = `log: { origin: ${origin}, keys: [log.pem], witnesses: [${witnesses.map((one) => `{ url: "${one.url}", key: "${one.key}" }`).join(', ')}] }`;
  const directory = writeInstallation({ files: moneyBundle(), upstreams: `  canary: { url: "${installed.canary?.url}" }`, config });
  writeFileSync(join(directory, 'log.pem'), key.export({ type: 'pkcs8', format: 'pem' }));
  const env = { FLYBALL_DATABASE_URL: (await postgres?.database()) ?? '' };
  const governor = await startGovernor({ directory, env });
  const client = await openClient(governor);
  return { governor, client, env, vkey: signerOf(key, origin).vkey };
}

async function acted(client: WireClient): Promise<string> {
  const answer = await transferTo(client, 'shop');
  expect(wasDone(answer)).toBe(true);
  return promised(promiseOf(answer));
}

const cosigners = (note: string, vkey: string): number => openCosigned(note.slice(note.indexOf(origin)), [parseCosignerKey(vkey)]).length;

/** Waits until the newest checkpoint has everything and is cosigned. */
const cosignedReceipt = (governor: RunningGovernor, env: Record<string, string>, id: string, vkey: string) =>
  waitFor(async () => {
    const receipt = await receiptOf(governor.directory, id, env);
    return cosigners(receipt, vkey) === 1 ? receipt : undefined;
  }, 40_000);

describe.skipIf(postgres === undefined || tools === undefined)('others\' programs', () => {
  test('story: what a running governor exports after real traffic is read whole by tessera\'s fsck, and refused with a changed byte', async () => {
    const { governor, client, env, vkey } = await witnessed([]);
    const ids: string[] = [];
    for (let round = 0; round < 8; round++) ids.push(...(await Promise.all(Array.from({ length: 20 }, () => acted(client)))));
    await receiptOf(governor.directory, ids.at(-1) ?? '', env);
    const place = await exported(governor, env);
    const url = await serve((request, response) => {
      const file = join(place, new URL(request.url ?? '', 'http://log').pathname);
      if (existsSync(file)) response.end(readFileSync(file));
      else response.writeHead(404).end();
    });
    const fsck = () => run(tools?.fsck ?? '', [origin, vkey, url], { timeout: 60_000 }).then(() => 'whole', (error: { code?: number }) => (error.code === 1 ? 'refused' : String(error)));
    expect(Number(readFileSync(join(place, 'checkpoint'), 'utf8').split('\n')[1])).toBeGreaterThan(320);
    expect(await fsck()).toBe('whole');
    for (let n = 0; n < 30; n++) await acted(client);
    await receiptOf(governor.directory, await acted(client), env);
    await exported(governor, env, place);
    expect(await fsck()).toBe('whole');
    const file = join(place, 'tile/entries/000');
    const bytes = readFileSync(file);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    expect(await fsck()).toBe('refused');
    await governor.remove();
    rmSync(place, { recursive: true });
  });

  test('story: the reference witness cosigns a running governor; it goes down, the log goes on without it and says so; it comes back', async () => {
    const own = witnessKey('witness.example/reference', 7);
    const key = generateKeyPairSync('ed25519').privateKey;
    const address = `127.0.0.1:${await freePort()}`;
    const secret = Buffer.concat([Buffer.of(1), Buffer.alloc(32, 7)]).toString('base64');
    writeFileSync(join(folder, 'witness.key'), `PRIVATE+KEY+${own.name}+${keyIdOf(own.name, 1, own.publicKey).toString(16).padStart(8, '0')}+${secret}`);
    writeFileSync(join(folder, 'logs.yaml'), `Logs:\n  - Origin: ${origin}\n    PublicKey: ${signerOf(key, origin).vkey}\n    URL: http://${address}/\n`);
    const start = async (): Promise<ChildProcess> => {
      const child = spawn(tools?.witness ?? '', [address, join(folder, 'witness.key'), join(folder, 'logs.yaml')], { stdio: 'ignore' });
      await waitFor(async () => (await fetch(`http://${address}/`).then(() => true, () => false)) || undefined, 20_000);
      return child;
    };
    let child = await start();
    const { governor, client, env, vkey } = await witnessed([{ url: `http://${address}/add-checkpoint`, key: own.vkey }], key);
    const first = await cosignedReceipt(governor, env, await acted(client), own.vkey);
    const down = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await down;
    const without = await receiptOf(governor.directory, await acted(client), env);
    expect(cosigners(without, own.vkey)).toBe(0);
    await waitFor(() => /did not cosign; the log goes on without it/.test(governor.log()) || undefined, 20_000);
    // It has forgotten everything, and is told from the beginning.
    child = await start();
    await acted(client);
    const again = await cosignedReceipt(governor, env, await acted(client), own.vkey);
    const place = await exported(governor, env);
    const verdict = await audit(place, { keys: [vkey], receipts: [first, without, again] });
    expect(codes(verdict)).toEqual([]);
    child.kill('SIGKILL');
    await governor.remove();
    rmSync(place, { recursive: true });
  });
});

describe.skipIf(postgres === undefined)('witnesses that misbehave', () => {
  const memory = new MemoryWitness();
  const stranger = new MemoryWitness(memory.vkey.split('+')[0], 9);

  test.each<[string, RequestListener]>([
    ['answers 409 for ever', (_request, response) => response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('1\n')],
    ['answers 409 with a size of the future', (_request, response) => response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('9007199254740993\n')],
    ['answers 409 with a size beyond all', (_request, response) => response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('99999999999999999999999\n')],
    ['answers garbage', (_request, response) => response.end(Buffer.alloc(50_000, 255))],
    ['answers more than anybody asked for', (_request, response) => response.end(Buffer.alloc(2 << 20, 65))],
    ['answers nothing and hangs up', (request) => request.socket.destroy()],
    ['answers 500', (_request, response) => response.writeHead(500).end()],
    ['redirects to another', (_request, response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end()],
    ['signs with another key', (request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part)).on('end', () => void stranger.answer(Buffer.concat(parts).toString('utf8')).then(({ status, body }) => response.writeHead(status).end(body)));
    }],
    ['signs another checkpoint', (_request, response) => response.end(`— ${memory.vkey.split('+')[0]} ${Buffer.alloc(76, 1).toString('base64')}\n`)],
  ])('attack: one that %s: the log goes on without it, its lines are in no receipt, and operators are told', async (_name, listener) => {
    const url = await serve(listener);
    const { governor, client, env, vkey } = await witnessed([{ url, key: memory.vkey }]);
    stranger.know(origin, vkey);
    const receipt = await receiptOf(governor.directory, await acted(client), env);
    await waitFor(() => /did not cosign; the log goes on without it/.test(governor.log()) || undefined, 20_000);
    expect(receipt).not.toContain(`— ${memory.vkey.split('+')[0]} `);
    const next = await receiptOf(governor.directory, await acted(client), env);
    expect(next).not.toContain(`— ${memory.vkey.split('+')[0]} `);
    expect((await statusOf(governor.directory, env)).checkpoint).not.toContain('witness.example');
    expect(governor.child.exitCode).toBeNull();
    await governor.remove();
  });

  test('attack: one that never answers does not keep the log from going on', async () => {
    const url = await serve(() => undefined);
    const { governor, client, env } = await witnessed([{ url, key: memory.vkey }]);
    await receiptOf(governor.directory, await acted(client), env);
    const began = Date.now();
    for (let n = 0; n < 3; n++) await receiptOf(governor.directory, await acted(client), env);
    // Three entries, half a second each, and the time that the commands take to start; a witness is waited for ten seconds each time.
    expect(Date.now() - began).toBeLessThan(20_000);
    await governor.remove();
  });
});
