// Installs what package-lock.json says, if it is not installed yet, and builds. Says what it is doing.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`expected Node 20.19 or later, got ${process.versions.node}`);
  process.exit(1);
}

export function run(what, command, args) {
  console.log(`> ${what}`);
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) {
    console.error(`${what}: failed (${command} ${args.join(' ')})`);
    process.exit(status ?? 1);
  }
}

const stamp = 'node_modules/.package-lock.json';
const fresh = existsSync(stamp) && statSync(stamp).mtimeMs >= statSync('package-lock.json').mtimeMs;

export function prepare() {
  if (!fresh) run('installing dependencies', 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  run('building', 'node', ['node_modules/typescript/bin/tsc', '-b']);
}
