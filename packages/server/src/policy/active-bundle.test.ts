import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { refusal } from '../../../../test/support/identity-kit.js';
import { bundleFiles, decided } from '../../../../test/support/policy-kit.js';
import { limits } from '../lib/limits.js';
import { ActiveBundle } from './active-bundle.js';
import type { Bundle } from './bundle.js';
import { loadBundle } from './load-bundle.js';
import { readBundleFiles } from './read-files.js';

const permit = '@id("all") permit (principal, action, resource);';
const denying = `${permit}@id("no") forbid (principal, action, resource);`;

function write(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}
const folderWith = (policies: string) => write(mkdtempSync(join(tmpdir(), 'flyball-bundle-')), bundleFiles(policies));
const outcomeOf = async (bundle: Bundle) => (await decided(bundle)).decision.outcome;

describe('publishing', () => {
  test('story: a bundle is recorded before it is active; the same again changes nothing', async () => {
    const folder = folderWith(permit);
    const recorded: string[] = [];
    const active = new ActiveBundle(folder, (bundle) => Promise.resolve(void recorded.push(bundle.digest)));
    expect(() => active.current).toThrow(expect.objectContaining({ code: 'denied' }) as Error);
    expect(await active.load()).toMatchObject({ changed: true });
    expect(await active.load()).toMatchObject({ changed: false });
    expect(recorded).toEqual([active.current.digest]);
  });

  test.each<[string, Readonly<Record<string, string>>]>([
    ['an invalid policy', { 'policies/main.cedar': 'permit (principal' }],
    ['an empty catalogue', { 'catalogue.yaml': '' }],
    ['tools that are no JSON', { 'tools/bank.json': '{' }],
  ])('abuse 17: %s leaves the last good bundle active, and is refused each time', async (_name, files) => {
    const folder = folderWith(permit);
    const active = new ActiveBundle(folder, () => Promise.resolve());
    const { digest } = await active.load();
    write(folder, files);
    for (let i = 0; i < 3; i++) expect(await refusal(active.load())).toMatch(/^bundle_invalid: .*nothing was changed/);
    expect(active.current.digest).toBe(digest);
    expect(await outcomeOf(active.current)).toBe('allow');
  });

  test('attack: what cannot be recorded does not become active', async () => {
    const folder = folderWith(permit);
    let broken = false;
    const active = new ActiveBundle(folder, () => (broken ? Promise.reject(new Error('the store is down')) : Promise.resolve()));
    const { digest } = await active.load();
    write(folder, { 'policies/main.cedar': denying });
    broken = true;
    await expect(active.load()).rejects.toThrow('the store is down');
    expect(active.current.digest).toBe(digest);
    broken = false;
    expect(await active.load()).toMatchObject({ changed: true });
    expect(await outcomeOf(active.current)).toBe('deny');
  });

  test('abuse 26: of two that are published at once, the one that was recorded last is active', async () => {
    const folder = folderWith(permit);
    const recorded: string[] = [];
    const waiting: (() => void)[] = [];
    const active = new ActiveBundle(folder, async (bundle) => {
      if (recorded.length === 0 && waiting.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      recorded.push(bundle.digest);
    });
    const first = active.load();
    write(folder, { 'policies/main.cedar': denying });
    const second = active.load();
    await new Promise((resolve) => setTimeout(resolve, 20));
    waiting.forEach((resume) => resume());
    await Promise.all([first, second]);
    expect(active.current.digest).toBe(recorded.at(-1));
    expect(active.current.digest).toBe(loadBundle(folder).digest);
  });

  test('abuse 15, abuse 26: a decision that began with one bundle ends with it, also when another became active', async () => {
    const folder = folderWith(permit);
    const active = new ActiveBundle(folder, () => Promise.resolve());
    await active.load();
    const before = active.current;
    write(folder, { 'policies/main.cedar': denying });
    await active.load();
    expect([await outcomeOf(before), await outcomeOf(active.current)]).toEqual(['allow', 'deny']);
    expect((await decided(before)).decision.bundle).toBe(before.digest);
  });
});

describe('files', () => {
  test('story: the files of a bundle, wherever the policies stand, and nothing beside them', () => {
    const folder = write(folderWith(permit), { 'policies/a/b.cedar': '// b', 'notes.md': 'x', 'policies/notes.md': 'x', 'tools/deep/x.json': '{}' });
    expect(Object.keys(readBundleFiles(folder))).toEqual(['catalogue.yaml', 'identities.yaml', 'people.yaml', 'policies/a/b.cedar', 'policies/main.cedar', 'tools/bank.json']);
  });

  test('story: a byte order mark is not part of a policy', () => {
    expect(loadBundle(folderWith(`\uFEFF${permit}`)).rules.size).toBe(1);
  });

  test('attack: a guard in a linked file, as Kubernetes mounts them, is not passed over in silence', async () => {
    const folder = folderWith(permit);
    const elsewhere = join(write(mkdtempSync(join(tmpdir(), 'flyball-linked-')), { 'guard.cedar': '@id("no") forbid (principal, action, resource);' }), 'guard.cedar');
    symlinkSync(elsewhere, join(folder, 'policies/guard.cedar'));
    const outcome = await (async () => {
      try {
        return await outcomeOf(loadBundle(folder));
      } catch (error) {
        return (error as { code?: string }).code;
      }
    })();
    expect(['deny', 'bundle_invalid']).toContain(outcome);
  });

  test.each(['policies/guard.CEDAR', 'policies/guard.cedar.txt', 'policies/guard.ceder', 'catalogue.yml', 'people.yml', 'identity.yaml', 'guard.cedar'])('attack: a file named %s, which was meant to count, is refused or warned of', (name) => {
    const folder = write(folderWith(permit), { [name]: '@id("no") forbid (principal, action, resource);' });
    const answer = (() => {
      try {
        return loadBundle(folder).warnings.join();
      } catch (error) {
        return (error as Error).message;
      }
    })();
    expect(answer).toContain(name);
  });

  test('abuse 18: a bundle beyond the bound is refused before it is read', () => {
    const folder = folderWith(permit);
    truncateSync(join(folder, 'policies/main.cedar'), limits.bundleBytesMax + 1);
    expect(() => loadBundle(folder)).toThrow(/expected a bundle of at most/);
  });

  test('abuse 17: no directory is no bundle', () => {
    const folder = folderWith(permit);
    rmSync(folder, { recursive: true });
    expect(() => loadBundle(folder)).toThrow(expect.objectContaining({ code: 'bundle_invalid' }) as Error);
  });
});
