// npm run check: types, lint, boundaries, unit tests. Quick, and needs no network once dependencies are installed.
import { prepare, run } from './install.mjs';

const node = (what, ...args) => run(what, process.execPath, args);

prepare();
node('checking types, tests included', 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.tests.json');
node('checking boundaries and lint', 'tools/boundaries.mjs');
node('checking that the documents name every error and every abuse case', 'tools/documents.mjs', '--check');
// CI runs them with all the others.
if (!process.argv.includes('--without-tests')) node('running the unit tests', 'node_modules/vitest/vitest.mjs', 'run', '--project', 'unit');
