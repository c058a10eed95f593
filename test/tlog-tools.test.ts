import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toBase64 } from '../packages/tlog/src/base64.js';
import { addCheckpoint, consistencyProof, keyIdOf, openCosigned, parseCosignerKey, tilesOf, tilePath, TlogError, type WitnessAnswer } from '../packages/tlog/src/index.js';
import { logKey, origin, seedOf, SmallLog, type TestKey, witnessKey } from '../packages/tlog/src/small-log.kit.js';
import { root, waitFor } from './support/governor.js';
import { freePort, tlogTools } from './support/programs.js';

const run = promisify(execFile);
const goldenLog = join(root, 'packages/tlog/golden/log');

const tools = await tlogTools();
if (tools === undefined) console.warn('test/tlog-tools.test.ts is skipped: there is no Go to build the tools with');
const folder = mkdtempSync(join(tmpdir(), 'flyball-tlog-tools-'));
const servers: Server[] = [];
afterAll(() => {
  servers.forEach((server) => server.close());
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(tools === undefined)('fsck of tessera', () => {
  test.each([1, 255, 256, 257, 70_000])('reads a log of %i entries as it was written', async (size) => {
    expect(await checked(await serve(written(new SmallLog(size))))).toBe('whole');
  });

  test('reads a log that grew', async () => {
    expect(await checked(await serve(written(new SmallLog(3).grow(256).grow(300).grow(1000))))).toBe('whole');
  });

  test('reads the golden log', async () => {
    expect(await checked(await serve(goldenLog))).toBe('whole');
  });

  const log = new SmallLog(600);
  test.each(['tile/entries/000', 'tile/entries/002.p/88', 'tile/0/001', 'tile/0/002.p/88', 'tile/1/000.p/2'])('attack: refuses one whose %s has a changed byte', async (path) => {
    const place = written(log);
    const bytes = readFileSync(join(place, path));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(join(place, path), bytes);
    expect(await checked(await serve(place))).toBe('refused');
  });

  test('attack: refuses one whose checkpoint says another root, or is signed by another', async () => {
    const [other, stranger] = [written(log), written(log)];
    writeFileSync(join(other, 'checkpoint'), new SmallLog(600, 'forged').checkpoint());
    writeFileSync(join(stranger, 'checkpoint'), log.checkpoint([logKey(origin, 9)]));
    expect([await checked(await serve(other)), await checked(await serve(stranger))]).toEqual(['refused', 'refused']);
  });

  async function checked(url: string): Promise<'whole' | 'refused'> {
    try {
      await run(tools?.fsck ?? '', [origin, logKey().vkey, url], { timeout: 60_000 });
      return 'whole';
    } catch (error) {
      if ((error as { code?: number }).code === 1) return 'refused';
      throw error;
    }
  }
});

describe.skipIf(tools === undefined)('the reference witness', () => {
  const witness = witnessKey('witness.example/reference', 7);
  const cosigners = [parseCosignerKey(witness.vkey)];
  const log = new SmallLog(3);
  let child: ChildProcess;
  let url: string;

  beforeAll(async () => {
    const [keyFile, logsFile] = [join(folder, 'witness.key'), join(folder, 'logs.yaml')];
    const address = `127.0.0.1:${await freePort()}`;
    url = `http://${address}/add-checkpoint`;
    writeFileSync(keyFile, secretOf(witness, 7));
    writeFileSync(logsFile, `Logs:\n  - Origin: ${origin}\n    PublicKey: ${logKey().vkey}\n    URL: http://${address}/\n`);
    child = spawn(tools?.witness ?? '', [address, keyFile, logsFile], { stdio: 'ignore' });
    await waitFor(async () => (await fetch(url).then(() => true, () => false)) || undefined, 20_000);
  });
  afterAll(() => {
    child.kill('SIGKILL');
  });

  async function ask(source: SmallLog, oldSize: number, checkpoint = source.checkpoint()): Promise<WitnessAnswer> {
    const proof = oldSize <= source.entries.length ? await consistencyProof(source, BigInt(oldSize), source.edge.size) : [];
    return addCheckpoint(async (body) => {
      const answer = await fetch(url, { method: 'POST', body });
      return { status: answer.status, contentType: answer.headers.get('content-type') ?? '', body: await answer.text() };
    }, { oldSize: BigInt(oldSize), proof, checkpoint });
  }

  function expectCosigned(answer: WitnessAnswer, checkpoint: string): void {
    const lines = answer.kind === 'cosigned' ? answer.lines : [];
    const [cosignature] = openCosigned(checkpoint + lines.join(''), cosigners);
    expect(cosignature).toMatchObject({ name: witness.name, keyId: witness.keyId });
    expect(Math.abs(Number(cosignature?.time) - Date.now() / 1000)).toBeLessThan(60);
  }

  test('cosigns a first checkpoint, and every one that the tree has grown to', async () => {
    expectCosigned(await ask(log, 0), log.checkpoint());
    for (const size of [4, 7, 255, 256, 257, 1000, 66_000]) {
      const oldSize = log.entries.length;
      log.grow(size);
      expectCosigned(await ask(log, oldSize), log.checkpoint());
    }
    expectCosigned(await ask(log, log.entries.length), log.checkpoint());
  });

  test('says its size to whoever is behind, who then proves from there', async () => {
    log.grow(66_500);
    const behind = await ask(log, 1000);
    expect(behind).toEqual({ kind: 'behind', size: 66_000n });
    expectCosigned(await ask(log, Number(behind.kind === 'behind' && behind.size)), log.checkpoint());
  });

  test('attack: refuses a forked tree, a stranger\'s signature, another log and a tree that shrinks', async () => {
    const forged = new SmallLog(66_600, 'forged');
    await expect(ask(forged, 66_500)).rejects.toMatchObject({ code: 'bad_proof' });
    await expect(ask(new SmallLog(66_500, 'forged'), 66_500)).rejects.toMatchObject({ code: 'bad_proof' });
    // The specification has 403 for it; this witness answers 500.
    await expect(ask(log, 66_500, log.checkpoint([logKey(origin, 9)]))).rejects.toBeInstanceOf(TlogError);
    await expect(ask(log, 66_500, log.checkpoint().replace(origin, 'unknown.example'))).rejects.toMatchObject({ code: 'wrong_origin' });
    await expect(ask(new SmallLog(10), 66_500)).rejects.toMatchObject({ code: 'malformed' });
    expectCosigned(await ask(log, 66_500), log.checkpoint());
  });
});

/** A log as files: its newest tiles and bundles, nothing from earlier sizes. */
function written(log: SmallLog): string {
  const place = mkdtempSync(join(folder, 'log-'));
  const write = (path: string, bytes: Uint8Array | string) => {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), bytes);
  };
  for (const tile of tilesOf(log.edge.size)) {
    const path = tilePath(tile);
    write(path, log.files.get(path) ?? '');
    const bundle = path.replace(/^tile\/0\//, 'tile/entries/');
    if (bundle !== path) write(bundle, log.files.get(bundle) ?? '');
  }
  write('checkpoint', log.checkpoint());
  return place;
}

function serve(place: string): Promise<string> {
  return new Promise((done) => {
    const server = createServer((request, response) => {
      const file = join(place, new URL(request.url ?? '', 'http://log').pathname);
      if (existsSync(file)) response.end(readFileSync(file));
      else response.writeHead(404).end();
    }).listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
    servers.push(server);
  });
}

/** A private key as the note library of Go writes it. */
function secretOf({ name, publicKey }: TestKey, seed: number): string {
  return `PRIVATE+KEY+${name}+${keyIdOf(name, 1, publicKey).toString(16).padStart(8, '0')}+${toBase64(Uint8Array.of(1, ...seedOf(seed)))}`;
}
