// node tools/opa.mjs: prints where the real OPA is that the Rego tests are held to. Builds it, once, through the Go module
// proxy and keeps it in .cache/. Without Go it prints nothing and ends with 3; in CI that is an error.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const version = 'v1.22.2';
/** The Go that a Go of before 1.21, which cannot fetch one by itself, is exchanged for; a module like any other. */
const toolchain = 'v0.0.1-go1.26.8';
const program = join(resolve(dirname(fileURLToPath(import.meta.url)), '..'), `.cache/opa/${version}/opa`);
const lock = `${program}.building`;
const pollMs = 500;
const buildMs = 15 * 60_000;
const noGo = 3;

const output = (command, args, options = {}) => execFileSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'inherit'], ...options });

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

function newerGo(go, module) {
  const { Dir } = JSON.parse(output(go, ['mod', 'download', '-json', `golang.org/toolchain@${module}`], { cwd: tmpdir(), env: { ...process.env, GO111MODULE: 'on' } }));
  // The module's archive knows no programs, only files.
  output('chmod', ['-R', 'u+x', join(Dir, 'bin'), join(Dir, 'pkg/tool')]);
  return join(Dir, 'bin/go');
}

function build(go) {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-opa-'));
  try {
    output(go, ['install', '-p', '2', `github.com/open-policy-agent/opa@${version}`], { env: { ...process.env, GOBIN: folder, CGO_ENABLED: '0' } });
    // In two steps, for the temporary folder may be another file system, and nobody is to find half a program.
    copyFileSync(join(folder, 'opa'), `${program}.${process.pid}`);
    renameSync(`${program}.${process.pid}`, program);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One process builds, others wait for it: CI begins early and tests come later. */
async function once(make) {
  mkdirSync(dirname(program), { recursive: true });
  for (const until = Date.now() + buildMs; Date.now() < until; await new Promise((done) => setTimeout(done, pollMs))) {
    if (existsSync(program)) return;
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

if (!existsSync(program)) {
  const go = findGo();
  if (go === undefined) {
    console.error('expected Go, to build OPA');
    process.exit(process.env.CI === 'true' ? 1 : noGo);
  }
  await once(() => build(go));
}
console.log(program);
