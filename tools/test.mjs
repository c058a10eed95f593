// npm test: installs, builds, runs every test. Further arguments go to the runner: npm test -- -t 'abuse 29'
import { prepare, run } from './install.mjs';

prepare();
run('running the tests', 'node', ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)]);
