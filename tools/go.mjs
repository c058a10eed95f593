// What the tools share that build programs of others through the Go module proxy.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The Go that a Go of before 1.21, which cannot fetch one by itself, is exchanged for; a module like any other. */
const toolchain = 'v0.0.1-go1.26.8';
const pollMs = 500;
const buildMs = 15 * 60_000;
const noGo = 3;

export const cache = join(resolve(dirname(fileURLToPath(import.meta.url)), '..'), '.cache');

export const output = (command, args, options = {}) => execFileSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'inherit'], ...options });

function findGo() {
  for (const go of ['go', '/usr/local/go/bin/go']) {
    try {
      const [name = '', os, architecture] = output(go, ['env', 'GOVERSION', 'GOOS', 'GOARCH']).split('\n');
      return Number(/^go1\.(\d+)/.exec(name)?.[1] ?? 99) < 21 ? newerGo(go, `${toolchain}.${os}-${architecture}`) : go;
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
  }
  return undefined;
}

/** Folder of a module in the module cache. */
export const moduleFolder = (go, module) => JSON.parse(output(go, ['mod', 'download', '-json', module], { cwd: tmpdir(), env: { ...process.env, GO111MODULE: 'on' } })).Dir;

function newerGo(go, module) {
  const dir = moduleFolder(go, `golang.org/toolchain@${module}`);
  // The module's archive knows no programs, only files.
  output('chmod', ['-R', 'u+x', join(dir, 'bin'), join(dir, 'pkg/tool')]);
  return join(dir, 'bin/go');
}

/**
 * Builds programs once and keeps them; a second process waits for the first. Without Go nothing is printed and the
 * process ends with 3; in CI that is an error.
 *
 * @param programs their places by name
 * @param make called with Go and an empty folder; leaves each program there under its name
 */
export async function built(what, programs, make) {
  const isBuilt = () => Object.values(programs).every((program) => existsSync(program));
  if (isBuilt()) return;
  const go = findGo();
  if (go === undefined) {
    console.error(`expected Go, to build ${what}`);
    process.exit(process.env.CI === 'true' ? 1 : noGo);
  }
  const [first] = Object.values(programs);
  await once(`${dirname(first)}.building`, isBuilt, () => install(go, programs, make));
}

function install(go, programs, make) {
  const work = mkdtempSync(join(tmpdir(), 'flyball-go-'));
  try {
    make(go, work);
    for (const [name, program] of Object.entries(programs)) {
      mkdirSync(dirname(program), { recursive: true });
      // In two steps, for the temporary folder may be another file system, and nobody is to find half a program.
      copyFileSync(join(work, name), `${program}.${process.pid}`);
      renameSync(`${program}.${process.pid}`, program);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** One process builds, others wait for it: CI begins early and tests come later. */
async function once(lock, isDone, make) {
  mkdirSync(dirname(lock), { recursive: true });
  for (const until = Date.now() + buildMs; Date.now() < until; await new Promise((done) => setTimeout(done, pollMs))) {
    if (isDone()) return;
    try {
      mkdirSync(lock);
    } catch {
      // Whoever was killed while building left this behind.
      if (existsSync(lock) && Date.now() - statSync(lock).mtimeMs > buildMs) rmSync(lock, { recursive: true, force: true });
      continue;
    }
    try {
      return make();
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  }
}
