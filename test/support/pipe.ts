import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { flyball, quickly, waitFor } from './governor.js';

/** `flyball mcp` as a process whose pipes the test holds: any bytes in, lines out. */
export class PipeClient {
  readonly lines: string[] = [];
  log = '';
  #rest = '';

  constructor(readonly child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (this.#rest + text).split('\n');
      this.#rest = parts.pop() ?? '';
      this.lines.push(...parts);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    child.stdin?.on('error', () => undefined);
  }

  write(bytes: string | Uint8Array): void {
    this.child.stdin?.write(bytes);
  }

  send(message: object): void {
    this.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  /** The answer to one request. */
  answer(id: string | number | null, ms = 20_000): Promise<Readonly<Record<string, unknown>>> {
    return waitFor(() => this.lines.map((line) => JSON.parse(line) as Record<string, unknown>).find((message) => message['id'] === id && message['method'] === undefined), ms);
  }

  async initialize(): Promise<void> {
    this.send({ id: 'hello', method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'pipe', version: '1' } } });
    await this.answer('hello');
    this.send({ method: 'notifications/initialized' });
  }

  exited(ms = 20_000): Promise<number | string> {
    return waitFor(() => this.child.exitCode ?? this.child.signalCode ?? undefined, ms);
  }
}

export function openPipe(folder: string, words: readonly string[], name = 'canary', identity = 'tester'): PipeClient {
  return new PipeClient(spawn(process.execPath, [quickly, flyball, '-c', join(folder, 'flyball.yaml'), 'mcp', '--as', identity, '--name', name, '--', ...words], { stdio: ['pipe', 'pipe', 'pipe'] }));
}

/** Processes whose command line has this text in it, itself apart. */
export function processesWith(text: string): readonly number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text) && !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  });
}

/** Ends what a failed test left behind; what is gone meanwhile is gone. */
export function endAll(text: string): void {
  for (const pid of processesWith(text)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      continue;
    }
  }
}
