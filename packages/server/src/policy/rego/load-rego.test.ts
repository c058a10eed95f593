import { mkdirSync, mkdtempSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bundleFiles, compile, decided, faultsOf } from '../../../../../test/support/policy-kit.js';
import { code, regoArchive, regoModule, ruling } from '../../../../../test/support/rego-kit.js';
import { limits } from '../../lib/limits.js';
import { loadBundle } from '../load-bundle.js';
import { readBundleFiles } from '../read-files.js';

const permit = '@id("all") permit (principal, action, resource);';
const policies = [{ id: 'rule' }];
const says = { allow: { outcome: 'allow', policies }, deny: { outcome: 'deny', policies } };

describe('bundles', () => {
  const file = (bytes: Uint8Array) => ({ 'rego/bundle.tar.gz': Buffer.from(bytes).toString('base64') });

  test.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ['an archive that is none', file(Buffer.from('x')), /^rego\/bundle\.tar\.gz: expected a gzip archive/],
    ['an archive of nothing', file(new Uint8Array()), /^rego\/bundle\.tar\.gz: expected a gzip archive/],
    ['a module that is none', file(regoArchive(Buffer.from('x'))), /^rego\/bundle\.tar\.gz: /],
    ['a rule of another name', file(regoArchive(regoModule({ entrypoints: '{"authz/allow":0}' }))), /^rego\/bundle\.tar\.gz: expected the entrypoint/],
    ['a function of the host', file(regoArchive(regoModule({ builtins: '{"http.send":0}' }))), /^rego\/bundle\.tar\.gz: .*`http\.send`/],
  ])('attack: %s is refused at load', (_name, files, expected) => {
    expect(faultsOf(permit, files)).toEqual([expect.stringMatching(expected)]);
  });

  test('story: faults of both languages are told at once', () => {
    expect(faultsOf('permit (principal', file(Buffer.from('x')))).toHaveLength(2);
  });

  test('story: another rule is another version of the bundle', () => {
    expect(compile(permit, ruling(says.allow)).digest).not.toBe(compile(permit, ruling(says.deny)).digest);
  });

  test('story: who loads a bundle without Cedar is told who decides', () => {
    expect(compile('', ruling(says.allow)).warnings).toEqual(['policies/: there is no Cedar policy, so Rego alone decides']);
    expect(compile(permit, ruling(says.allow)).warnings).toEqual([]);
  });

  test('attack: a module that loops denies in time, and the next bundle decides', async () => {
    const start = performance.now();
    const looping = compile(permit, file(regoArchive(regoModule({ evaluation: code.forever }))));
    for (let i = 0; i < 2; i++) expect((await decided(looping)).decision).toMatchObject({ outcome: 'deny', kind: 'guard_broken', verdicts: [{ policy: 'all' }, { error: expect.stringContaining('within') as string }] });
    expect(performance.now() - start).toBeLessThan(3_000);
    expect((await decided(compile(permit, ruling(says.allow)))).decision).toMatchObject({ outcome: 'allow' });
  });
});

describe('files', () => {
  const archive = Buffer.from(ruling(says.deny)['rego/bundle.tar.gz'] ?? '', 'base64');
  const folderWith = (files: Readonly<Record<string, string | Uint8Array>>): string => {
    const folder = mkdtempSync(join(tmpdir(), 'flyball-rego-'));
    for (const [file, content] of Object.entries({ ...bundleFiles(permit), ...files })) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), content);
    }
    return folder;
  };

  test('story: the archive is read byte for byte, also where it is linked, as Kubernetes mounts it', async () => {
    expect(Buffer.from(readBundleFiles(folderWith({ 'rego/bundle.tar.gz': archive }))['rego/bundle.tar.gz'] ?? '', 'base64').equals(archive)).toBe(true);
    const folder = folderWith({ 'rego/README.md': '', '..data.tar.gz': archive });
    symlinkSync(join(folder, '..data.tar.gz'), join(folder, 'rego/bundle.tar.gz'));
    expect((await decided(loadBundle(folder))).decision).toMatchObject({ outcome: 'deny', kind: 'forbidden' });
  });

  test.each(['rego/policy.rego', 'policy.rego', 'policies/guard.rego', 'rego/bundle.tgz', 'rego/bundle.tar.gz.bak', 'rego/Bundle.tar.gz', 'Rego/bundle.tar.gz', 'rego/more/bundle.tar.gz', 'bundle.tar.gz', 'rego/policy.wasm', 'rego/data'])('attack: a file named %s, which was meant to count, is refused', (name) => {
    expect(() => loadBundle(folderWith({ [name]: archive }))).toThrow(`${name}: expected policies/*.cedar, rego/bundle.tar.gz`);
  });

  test('attack: an archive beyond the bound of a bundle is refused before it is read', () => {
    const folder = folderWith({ 'rego/bundle.tar.gz': archive });
    truncateSync(join(folder, 'rego/bundle.tar.gz'), limits.bundleBytesMax + 1);
    expect(() => loadBundle(folder)).toThrow(/expected a bundle of at most/);
  });
});
