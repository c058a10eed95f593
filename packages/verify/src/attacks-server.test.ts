import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codesOf, firstTrust, given, holds } from '../test-kit/judge.js';
import { logKey } from '../test-kit/keys.js';
import { checkpointOf, type LogFiles, memory, publish } from '../test-kit/log-files.js';
import { story } from '../test-kit/story.js';
import { http, type Verdict, verifyLog } from './index.js';

const attack = (name: string, run: () => Promise<void>) => test(`attack: ${name}`, run, 60_000);

const { entries } = story(27).writer;
const honest = publish(entries);
const older = publish(entries.slice(0, 260));
const rewritten = publish(story(27, 1).writer.entries);
const foreign = publish(entries, { origin: 'flyball/default/other', signers: [logKey('first', 'flyball/default/other')] });
/** For answers that never end; the others have all the time that a busy machine needs. */
const shortMs = 400;

type Lie = (path: string, response: ServerResponse) => void;

const bytesOf = (files: LogFiles, path: string): Uint8Array => files.get(path) ?? new Uint8Array();
const endless = (response: ServerResponse, chunk: Uint8Array): void => {
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
};

const lies: Readonly<Record<string, Lie>> = {
  'that there is no such file': (_, response) => void response.writeHead(404).end(),
  'an error with the right answer in it': (path, response) => void response.writeHead(500).end(bytesOf(honest, path)),
  'another status with the right answer in it': (path, response) => void response.writeHead(206).end(bytesOf(honest, path)),
  'that it is elsewhere': (path, response) => void response.writeHead(302, { location: `/elsewhere/${path}` }).end(),
  'nothing at all': (_, response) => void response.writeHead(200).end(),
  'half of it': (path, response) => void response.writeHead(200).end(bytesOf(honest, path).slice(0, bytesOf(honest, path).length / 2)),
  'less than it said': (path, response) => {
    response.writeHead(200, { 'content-length': bytesOf(honest, path).length + 10 }).write(bytesOf(honest, path));
    setTimeout(() => response.destroy(), 20);
  },
  'one byte more': (path, response) => void response.writeHead(200).end(Buffer.concat([bytesOf(honest, path), Buffer.from('\n')])),
  'the answer of another log': (path, response) => void response.writeHead(200).end(bytesOf(path === 'checkpoint' ? foreign : rewritten, path)),
  'the answer to another question': (path, response) => void response.writeHead(200).end(bytesOf(honest, path === 'tile/0/000' ? 'tile/1/000.p/1' : 'tile/0/000')),
  'something huge': (_, response) => void response.writeHead(200).end(Buffer.alloc(20 << 20)),
  'something without end': (_, response) => endless(response.writeHead(200), Buffer.alloc(1 << 16)),
  'nothing, for ever': () => undefined,
  'one byte at a time, for ever': (_, response) => {
    response.writeHead(200);
    const timer = setInterval(() => void response.write('x'), 20);
    response.on('close', () => clearInterval(timer));
  },
  'and hangs up': (_, response) => void response.destroy(),
};

const isEndless = (name: string): boolean => name.includes('for ever');

let lying: (path: string) => Lie | undefined = () => undefined;
let served = honest;
const seen: { path: string; authorization: string | undefined }[] = [];
const server = createServer((request, response) => {
  const path = (request.url ?? '').replace(/^\/log\//, '');
  seen.push({ path: request.url ?? '', authorization: request.headers.authorization });
  const lie = lying(path);
  const bytes = served.get(path);
  if (lie) lie(path, response);
  else if (bytes) response.writeHead(200).end(bytes);
  else response.writeHead(404).end();
});
let url = '';

beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function ask(lie: (path: string) => Lie | undefined, files = honest, earlier: readonly string[] = [], timeoutMs = 20_000): Promise<Verdict> {
  [lying, served] = [lie, files];
  return verifyLog({ source: http(url, { timeoutMs, token: 'secret' }), trust: firstTrust, earlier: earlier.map((content) => given('earlier', content)) });
}

test('a server that tells the truth is believed, and asked for nothing that the checkpoint does not require', async () => {
  seen.length = 0;
  expect(codesOf(await ask(() => undefined))).toEqual([]);
  expect(seen.map(({ path }) => path.slice('/log/'.length)).sort()).toEqual([...honest.keys()].sort());
  expect(new Set(seen.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer secret']));
});

test('partial tiles may be gone when the full ones are there', async () => {
  const grown = new Map([...honest].filter(([path]) => path.startsWith('tile') && !path.includes('.p/')));
  const files = new Map([...publish(entries.slice(0, 200)), ...grown].filter(([path]) => !path.includes('.p/')));
  const verdict = await ask(() => undefined, files);
  expect([codesOf(verdict), verdict.size]).toEqual([[], 200n]);
});

for (const [name, lie] of Object.entries(lies)) {
  attack(`abuse 77: a server that answers ${name}, for any one file`, async () => {
    for (const path of honest.keys()) {
      const { integrity } = await ask((asked) => (asked === path ? lie : undefined), honest, [], isEndless(name) ? shortMs : undefined);
      expect([path, integrity.holds, integrity.findings[0]?.place.file]).toEqual([path, false, path]);
    }
    seen.length = 0;
    await ask((asked) => (asked === 'checkpoint' ? lie : undefined), honest, [], shortMs);
    expect(seen.every(({ path }) => path.startsWith('/log/'))).toBe(true);
  });
}

attack('abuse 77: a server that answers everything with lies, each with another', async () => {
  const names = Object.keys(lies).filter((name) => !isEndless(name));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(fc.constantFrom(...names), { nil: undefined }), { minLength: honest.size, maxLength: honest.size }), async (chosen) => {
      fc.pre(chosen.some((name) => name !== undefined));
      const paths = [...honest.keys()];
      expect(holds(await ask((path) => lies[chosen[paths.indexOf(path)] ?? '']))).toBe(false);
    }),
    { numRuns: 40 },
  );
});

attack('abuse 77: an older head, the tiles of a newer one, and a newer head without its tiles', async () => {
  const shown = checkpointOf(honest);
  expect(codesOf(await ask(() => undefined, older, [shown]))).toEqual(['rolled_back']);
  expect(codesOf(await ask(() => undefined, new Map([...honest, ['checkpoint', bytesOf(older, 'checkpoint')]]), [shown]))).toContain('rolled_back');
  const { integrity, completeness } = await ask(() => undefined, new Map([...older, ['checkpoint', bytesOf(honest, 'checkpoint')]]));
  expect([integrity.holds, completeness.holds]).toEqual([false, false]);
});

attack('abuse 77: a wholly consistent other log, signed with the right key, against what was shown before', async () => {
  expect(codesOf(await ask(() => undefined, rewritten, [checkpointOf(older)]))).toEqual(['fork']);
  expect(holds(await ask(() => undefined, foreign))).toBe(false);
});

attack('abuse 77: a signed size that nobody can read ends soon', async () => {
  const { signNote, formatCheckpoint, emptyEdge } = await import('@flyball/tlog');
  for (const size of [1_000_000_000_000n, 9_000_000_000_000_000_000n]) {
    const files = new Map(honest).set('checkpoint', new Uint8Array(Buffer.from(signNote(formatCheckpoint({ origin: 'flyball/default/test', size, root: emptyEdge.root() }), [logKey('first')]))));
    seen.length = 0;
    const verdict = await ask(() => undefined, files);
    expect([holds(verdict), codesOf(verdict)]).toEqual([false, size > 2n ** 53n ? ['checkpoint_malformed', 'not_examined'] : ['unavailable', 'not_examined']]);
    expect(seen.length).toBeLessThan(100);
  }
});

attack('abuse 77: a server that has hashes and no entries is not asked for each of them', async () => {
  const files = publish(Array.from({ length: 256 * 60 }, (_, at) => Uint8Array.of(at >> 8, at & 255)));
  for (const path of [...files.keys()]) if (path.includes('entries')) files.delete(path);
  let asked = 0;
  const source = memory(files);
  const verdict = await verifyLog({ source: { name: 'counted', read: (path, bytesMax) => ((asked += path.includes('entries') ? 1 : 0), source.read(path, bytesMax)) }, trust: firstTrust });
  expect([verdict.integrity.counts.unavailable, verdict.completeness.holds]).toEqual([20, false]);
  expect(asked).toBeLessThan(40);
});

test.each(['ftp://example.com/', 'nothing', 'https://example.com/?x=1'])('%s is no address of a log', (address) => {
  expect(() => http(address)).toThrowError(expect.objectContaining({ code: 'usage' }) as Error);
});

test('a slow server leaves nobody without a word for more than a second or so', async () => {
  const words: number[] = [];
  [lying, served] = [(path) => (path === 'tile/0/000' ? lies['nothing, for ever'] : undefined), honest];
  const began = performance.now();
  await verifyLog({ source: http(url, { timeoutMs: 5_000 }), trust: firstTrust, progress: () => words.push(performance.now()) });
  expect(Math.max(...words.map((at, index) => at - (words[index - 1] ?? began)))).toBeLessThan(4_000);
});
