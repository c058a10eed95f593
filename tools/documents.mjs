// npm run documents: writes docs/abuse-cases.md from the tests. With --check: fails when it is out of date, or when an
// error code has no line in docs/errors.md.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.test.ts']).toString().split('\n').filter(Boolean).sort();
const covered = new Map();
for (const file of files) {
  for (const [, numbers, name] of readFileSync(file, 'utf8').matchAll(/['"`](?:attack: )?abuse ((?:\d+(?:, )?)+): ([^'"`\n]*)/g)) {
    for (const number of numbers.split(', ')) covered.set(number, [...(covered.get(number) ?? []), { file, name }]);
  }
}

const cases = JSON.parse(readFileSync('test/abuse-cases.json', 'utf8'));
const total = Object.values(cases).reduce((sum, group) => sum + Object.keys(group).length, 0);
const unknown = [...covered.keys()].filter((number) => !Object.values(cases).some((group) => number in group));
const lines = ['# Abuse cases', '', 'Written by `npm run documents` from the names of the tests; do not edit.', '', `${covered.size} of ${total} cases have tests; the others are open: what they attack is not built yet, or not covered.`, ''];
for (const [group, entries] of Object.entries(cases)) {
  lines.push(`## ${group}`, '', '| case | attack | tests |', '| --- | --- | --- |');
  for (const [number, title] of Object.entries(entries)) {
    const places = [...new Set((covered.get(number) ?? []).map(({ file }) => file))];
    lines.push(`| ${number} | ${title} | ${places.length === 0 ? '**open**' : places.map((file) => `\`${file}\``).join('<br>')} |`);
  }
  lines.push('');
}
const text = `${lines.join('\n').trimEnd()}\n`;

const faults = unknown.map((number) => `a test names the abuse case ${number}, which does not exist`);
const codes = [...(/errorCodes = \[([^\]]*)\]/.exec(readFileSync('packages/protocol/src/errors.ts', 'utf8'))?.[1] ?? '').matchAll(/'([a-z_]+)'/g)].map(([, code]) => code);
const errors = readFileSync('docs/errors.md', 'utf8');
if (codes.length === 0) faults.push('no error codes were found');
faults.push(...codes.filter((code) => !errors.includes(`\`${code}\``)).map((code) => `docs/errors.md has no line for \`${code}\``));

if (process.argv.includes('--check')) {
  let current = '';
  try {
    current = readFileSync('docs/abuse-cases.md', 'utf8');
  } catch {
    faults.push('docs/abuse-cases.md is missing');
  }
  if (current !== text) faults.push('docs/abuse-cases.md is out of date; `npm run documents` writes it');
} else {
  writeFileSync('docs/abuse-cases.md', text);
}
faults.forEach((fault) => console.error(fault));
console.log(`${covered.size} of ${total} abuse cases have tests, ${codes.length} error codes`);
process.exit(faults.length === 0 ? 0 : 1);
