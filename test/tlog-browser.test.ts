import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { build } from 'vite';
import { expect, test } from 'vitest';
import { root } from './support/governor.js';

const golden = (path: string) => readFileSync(join(root, 'packages/tlog/golden', path));

/** The package as a page loads it, and nothing of Node beside it. */
async function inPage(): Promise<(script: string, given: object) => unknown> {
  const built = await build({ configFile: false, logLevel: 'silent', build: { write: false, minify: false, lib: { entry: join(root, 'packages/tlog/dist/index.js'), name: 'tlog', formats: ['iife'] } } });
  const [bundle] = Array.isArray(built) ? built : [];
  const [chunk] = bundle?.output ?? [];
  if (chunk?.type !== 'chunk') throw new Error('expected one script');
  expect(chunk.code).not.toMatch(/node:|\bBuffer\b|\brequire\b|\bprocess\b/);
  return (script, given) => {
    const page = createContext({ TextEncoder, TextDecoder, Uint8Array, ...given });
    runInContext(chunk.code.replace(/^var tlog/m, 'this.tlog'), page);
    const answer: unknown = runInContext(script, page);
    return answer;
  };
}

test('a page verifies the golden proof, and refuses it with a changed byte', async () => {
  const run = await inPage();
  const file = golden('entry-137.tlog-proof').toString();
  const script = `try { String(tlog.verifyProof(file, tlog.leafHash(leaf), tlog.parsePolicy(policy)).checkpoint.size) } catch (error) { error.code }`;
  const given = { file, leaf: 'entry 137', policy: golden('policy').toString() };
  expect(run(script, given)).toBe('300');
  expect(run(script, { ...given, leaf: 'entry 138' })).toBe('bad_proof');
  expect(run(script, { ...given, file: file.replace('\n300\n', '\n301\n') })).toBe('bad_signature');
});
