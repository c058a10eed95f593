import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './governor.js';

export const canaryScript = join(root, 'test/support/canary.mjs');

export interface CanaryCall {
  readonly n: number;
  readonly name: string;
  readonly args?: unknown;
}

/** A canary server over HTTP, beside the governor. */
export class Canary {
  constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    private readonly ledger: string,
  ) {}

  /** Every call that reached it. */
  calls(): readonly CanaryCall[] {
    return readFileSync(this.ledger, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as CanaryCall);
  }

  /** Changes how it behaves: `description`, `delayMs`, `crash`, `hang`, `structured`, `answer`. */
  async control(state: Readonly<Record<string, unknown>>): Promise<void> {
    await fetch(this.url.replace(/\/mcp$/, '/control'), { method: 'POST', body: JSON.stringify(state) });
  }

  stop(): void {
    this.child.kill('SIGKILL');
  }
}

export async function startCanary(...flags: string[]): Promise<Canary> {
  const ledger = join(mkdtempSync(join(tmpdir(), 'flyball-canary-')), 'calls.jsonl');
  const child = spawn(process.execPath, [canaryScript, ledger, '--http', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<string>((resolve) => child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim())));
  return new Canary(child, `http://127.0.0.1:${port}/mcp`, ledger);
}
