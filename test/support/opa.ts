import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from './governor.js';
import { built, freePort } from './programs.js';

const run = promisify(execFile);

/** The real OPA. */
export const realOpa = (): Promise<string | undefined> => built('opa.mjs');

export interface Rego {
  readonly policy: string;
  /** JSON of `data`. */
  readonly data?: object;
}

/** Real OPA on one policy: compiled, evaluated by its own evaluator, or running. */
export class Opa {
  readonly #folder = mkdtempSync(join(tmpdir(), 'flyball-rego-'));

  constructor(private readonly opa: string) {}

  /** The archive that `opa build -t wasm` makes. */
  async build({ policy, data = {} }: Rego): Promise<Buffer> {
    const files = this.#write(policy, data);
    const out = join(this.#folder, 'bundle.tar.gz');
    await run(this.opa, ['build', '-t', 'wasm', '-e', 'flyball/decision', '-o', out, ...files]);
    return readFileSync(out);
  }

  /** What `opa eval` says, one input after the other, two at a time; `{ error }` where it is an error. */
  async evaluate({ policy, data = {} }: Rego, inputs: readonly unknown[]): Promise<readonly Evaluation[]> {
    const files = this.#write(policy, data).flatMap((file) => ['-d', file]);
    const answers: Evaluation[] = [];
    const next = inputs.entries();
    const worker = async () => {
      for (const [index, input] of next) answers[index] = await this.#evaluateOne(files, input, index);
    };
    await Promise.all([worker(), worker()]);
    return answers;
  }

  async #evaluateOne(files: readonly string[], input: unknown, index: number): Promise<Evaluation> {
    const file = join(this.#folder, `input-${index}.json`);
    writeFileSync(file, JSON.stringify(input));
    try {
      const { stdout } = await run(this.opa, ['eval', '--format', 'json', ...files, '-i', file, 'data.flyball.decision'], { maxBuffer: 64 << 20 });
      const { result } = JSON.parse(stdout) as { result?: { expressions: { value: unknown }[] }[] };
      return { result: result?.[0]?.expressions[0]?.value };
    } catch (error) {
      if ((error as { code?: unknown }).code !== 2) throw error;
      return { error: (error as { stdout: string }).stdout };
    }
  }

  #write(policy: string, data: object): readonly string[] {
    const files = [join(this.#folder, 'policy.rego'), join(this.#folder, 'data.json')] as const;
    writeFileSync(files[0], policy);
    writeFileSync(files[1], JSON.stringify(data));
    return files;
  }

  /** Starts `opa run --server` on a free port; it calls nobody. */
  async serve(policies: Readonly<Record<string, string>> = {}, ...flags: string[]): Promise<OpaProcess> {
    const folder = mkdtempSync(join(this.#folder, 'served-'));
    for (const [file, text] of Object.entries(policies)) writeFileSync(join(folder, file), text);
    const url = `http://127.0.0.1:${await freePort()}`;
    const files = readdirSync(folder).map((file) => join(folder, file));
    const child = spawn(this.opa, ['run', '--server', '--addr', url.slice('http://'.length), '--skip-version-check', '--log-level', 'error', ...flags, ...files], { stdio: 'ignore' });
    await waitFor(async () => (await fetch(`${url}/health`).then(({ status }) => status < 500, () => false)) || undefined, 20_000);
    return new OpaProcess(url, child);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export type Evaluation = { readonly result: unknown } | { readonly error: string };

export class OpaProcess {
  constructor(
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  /** Exchanges its policy and data. */
  async put({ policy, data = {} }: Rego): Promise<void> {
    const answers = [await fetch(`${this.url}/v1/policies/policy.rego`, { method: 'PUT', body: policy }), await fetch(`${this.url}/v1/data`, { method: 'PUT', body: JSON.stringify(data) })];
    for (const answer of answers) if (!answer.ok) throw new Error(await answer.text());
  }

  stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return Promise.resolve();
    const exited = new Promise<void>((done) => this.child.once('exit', () => done()));
    this.child.kill('SIGKILL');
    return exited;
  }
}
