import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '../packages/cedar');
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
const textOf = (file: string) => readFileSync(join(root, 'src', file), 'utf8');

let folder = '';
/** The package as a stranger installs it: alone in a folder, with nothing beside it. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'flyball-cedar-'));
  const installed = join(folder, 'node_modules/@flyball/cedar');
  for (const file of sources) {
    const target = join(installed, 'dist', file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, ts.transpileModule(textOf(file), { compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true } }).outputText);
  }
  cpSync(join(root, 'package.json'), join(installed, 'package.json'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(script: string, ...flags: readonly string[]): string {
  writeFileSync(join(folder, 'script.js'), script);
  return execFileSync(process.execPath, [...flags, 'script.js'], { cwd: folder, encoding: 'utf8', timeout: 100_000 });
}

test('law: no file of the package imports anything but its own, nor uses what a browser has not', () => {
  expect(sources.length).toBeGreaterThan(30);
  for (const file of sources) {
    const parsed = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.ES2023, true);
    const visit = (node: ts.Node): void => {
      if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) expect(node.moduleSpecifier.getText(), file).toMatch(/^'\.\.?\/.*\.js'$/);
      if (ts.isCallExpression(node)) expect(node.expression.kind, `${file}: import()`).not.toBe(ts.SyntaxKind.ImportKeyword);
      if (ts.isIdentifier(node)) expect(['process', 'Buffer', 'require', 'global', '__dirname', '__filename', 'setImmediate', 'eval', 'Function'], file).not.toContain(node.text);
      ts.forEachChild(node, visit);
    };
    visit(parsed);
  }
});

test('story: the example of the README runs as it stands, and prints what the README says', () => {
  const [, example = ''] = /```js\n(.*?)```/s.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  expect(example.split('\n').length).toBeLessThan(26);
  expect(run(example)).toBe('allow deny\ncontext.amount <= 100\n');
});

const load = `
  import { authorize, Entities, explainPolicy, findSmallestChange, PolicySet, search, toEnvironment } from '@flyball/cedar';
  const uid = (type, id) => ({ type, id });
  const policy = (i) => ({ effect: i % 5 ? 'permit' : 'forbid', principal: { op: 'in', entity: uid('Group', 'g' + i) }, action: { op: 'All' }, resource: { op: 'All' }, conditions: [{ kind: 'when', body: { '&&': { left: { '==': { left: { '.': { left: { Var: 'context' }, attr: 'a' } }, right: { Value: i } } }, right: { like: { left: { '.': { left: { Var: 'context' }, attr: 's' } }, pattern: [{ Literal: 's' + i }, 'Wildcard'] } } } } }] });
  const load = () => new PolicySet({ staticPolicies: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => ['p' + i, policy(i)])) });
`;

test('law: a hundred reloads of a thousand policies, and entities that come and go, leave nothing behind', () => {
  const { before, after } = JSON.parse(run(`${load}
    const entities = Entities.fromJson([]);
    let policies;
    const round = (n) => {
      policies = load();
      for (let i = 0; i < 200; i++) entities.put({ uid: uid('User', n + '-' + i), attrs: { n }, parents: [uid('Group', n + '-' + i), uid('Group', 'g1')] });
      const environment = toEnvironment({ principal: uid('User', n + '-1'), action: uid('Action', 'x'), resource: uid('Doc', 'd'), context: { a: n, s: 's' + n } }, entities);
      for (const answer of [authorize(policies, environment), explainPolicy(policies.get('p1'), environment), findSmallestChange(policies, environment), search(policies, 'principal', 'User', environment, entities)]) if (!answer) throw new Error('expected an answer');
      for (const { uid: own } of [...entities.values()]) entities.remove(own);
    };
    const heap = () => { gc(); gc(); return process.memoryUsage().heapUsed; };
    for (let n = 0; n < 10; n++) round(n);
    const before = heap();
    for (let n = 10; n < 110; n++) round(n);
    console.log(JSON.stringify({ before, after: heap() }));
  `, '--expose-gc')) as { readonly before: number; readonly after: number };
  console.log(`heap after 10 reloads ${(before / 1e6).toFixed(1)} MB, after 110 reloads ${(after / 1e6).toFixed(1)} MB`);
  // One set of a thousand policies is a few megabytes; a hundred that stay would be hundreds.
  expect(after - before).toBeLessThan(10e6);
});

test('attack: a chain of 20,000 parents, of which a thousand are asked for their ancestors, fits into a small heap', () => {
  expect(run(`
    import { Entities, EntityUid } from '@flyball/cedar';
    const uid = (i) => ({ type: 'Group', id: String(i) });
    const entities = Entities.fromJson(Array.from({ length: 20_000 }, (_, i) => ({ uid: uid(i), attrs: {}, parents: i === 0 ? [] : [uid(i - 1)] })));
    let most = 0;
    for (let i = 0; i < 20_000; i += 20) most = Math.max(most, entities.get(new EntityUid('Group', String(i)).key).ancestors.size);
    console.log(most);
  `, '--max-old-space-size=200')).toBe('19980\n');
});

test('story: how long a thousand policies take to compile is printed', () => {
  const ms = Number(run(`${load}
    for (let n = 0; n < 5; n++) load();
    const began = performance.now();
    for (let n = 0; n < 10; n++) load();
    console.log((performance.now() - began) / 10);
  `));
  console.log(`1,000 policies are compiled in ${ms.toFixed(1)} ms`);
  expect(ms).toBeGreaterThan(0);
});
