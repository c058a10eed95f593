// npm run check:boundaries: the import rules of ARCHITECTURE.md and the lint rules on every file, each rule proved by a
// mutant that breaks it. Fails when it examined nothing.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';
import { ESLint } from 'eslint';
import { boundaryMutants, lintMutants, scenery } from './mutants.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const wild = join(root, '.cache/mutants');
const modulesLeast = 100;
const rules = createRequire(import.meta.url)('../.dependency-cruiser.cjs').forbidden.map((rule) => rule.name);
const faults = [];

/** Violations and the number of modules examined in a tree. */
function cruise(cwd) {
  const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  let text;
  try {
    text = execFileSync(process.execPath, [cruiser, 'packages', '--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'json'], { cwd, maxBuffer: 256 << 20 }).toString();
  } catch (error) {
    text = `${error.stdout ?? ''}`;
  }
  const { summary } = JSON.parse(text);
  return { examined: summary.totalCruised, violations: summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to })) };
}

function writeTree(files) {
  rmSync(wild, { recursive: true, force: true });
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(wild, file)), { recursive: true });
    writeFileSync(join(wild, file), text);
  }
}

const own = cruise(root);
if (own.examined < modulesLeast) faults.push(`the boundary check examined ${own.examined} modules, expected at least ${modulesLeast}`);
own.violations.forEach(({ rule, from, to }) => faults.push(`${rule}: ${from} → ${to}`));

const mutants = { ...boundaryMutants, ...lintMutants };
writeTree({ ...scenery, ...Object.fromEntries(Object.values(mutants)), 'tsconfig.base.json': '{ "compilerOptions": { "module": "nodenext", "target": "es2023", "strict": true } }\n', 'tsconfig.tests.json': '{ "extends": "./tsconfig.base.json", "include": ["packages"] }\n' });
const broken = cruise(wild).violations;
for (const rule of rules) {
  const mutant = boundaryMutants[rule];
  if (!mutant) faults.push(`the rule ${rule} has no mutant`);
  else if (!broken.some((violation) => violation.rule === rule && violation.from === mutant[0])) faults.push(`the mutant ${mutant[0]} lives: ${rule} does not see it`);
}

const lint = new ESLint({ cwd: root });
const results = await lint.lintFiles(['packages/**/*.ts', 'test/**/*.ts']);
if (results.length < modulesLeast) faults.push(`the lint check examined ${results.length} files, expected at least ${modulesLeast}`);
for (const { filePath, messages } of results) messages.forEach(({ line, ruleId, message }) => faults.push(`${filePath.slice(root.length + 1)}:${line}: ${ruleId ?? ''} ${message}`));

const config = (await import('../eslint.config.mjs')).default.map((part) => (part.languageOptions?.parserOptions ? { ...part, languageOptions: { parserOptions: { project: ['tsconfig.tests.json'], tsconfigRootDir: wild } } } : { ...part, ...(part.ignores && { ignores: part.ignores.filter((pattern) => !pattern.startsWith('.cache')) }) }));
const wildLint = new ESLint({ cwd: wild, overrideConfigFile: true, overrideConfig: config });
for (const [rule, [file]] of Object.entries(lintMutants)) {
  const [result] = await wildLint.lintFiles([file]);
  if (!result?.messages.some((message) => message.ruleId === rule)) faults.push(`the mutant ${file} lives: ${rule} does not see it`);
}

rmSync(wild, { recursive: true, force: true });
faults.forEach((fault) => console.error(fault));
console.log(`${own.examined} modules and ${results.length} files examined, ${rules.length} boundary rules and ${Object.keys(lintMutants).length} lint rules proved by mutants, ${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
