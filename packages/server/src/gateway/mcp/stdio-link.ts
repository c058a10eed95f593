import { type ChildProcess, spawn } from 'node:child_process';
import { FlyballError } from '@flyball/protocol';
import { limits } from '../../lib/limits.js';
import type { Link, LinkListener } from './link.js';
import { parseMessage } from './relay-delivery.js';
import { type RpcMessage, writeMessage } from './message.js';

export interface Command {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
}

/** Shorter than the two seconds after which clients end a server that they started, so that nothing is left behind with them. */
const graceMs = 700;

/** What a child may see of this process's environment: enough to run, nothing of ours. */
const inherited = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TERM', 'TMPDIR', 'SHELL', 'LOGNAME', 'SystemRoot', 'APPDATA', 'LOCALAPPDATA', 'USERPROFILE'];

/** An MCP server that runs as a child of this process and ends with the connection, with everything it started. */
export class StdioLink implements Link {
  readonly #child: ChildProcess;
  #buffer = '';
  #over = false;

  constructor(
    private readonly command: Command,
    private readonly listener: LinkListener,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    const env = Object.fromEntries(inherited.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
    // A group of its own, so that what it starts can be ended with it.
    this.#child = spawn(command.command, command.args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...env, ...command.env }, cwd: command.cwd, detached: process.platform !== 'win32' });
    this.#child.on('error', (error) => this.#lost(`cannot start \`${command.command}\`: ${error.message}`));
    this.#child.on('exit', () => this.#lost('the upstream server ended'));
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#read(text));
  }

  get upstream(): string {
    return this.command.name;
  }

  send(message: RpcMessage): Promise<void> {
    const { stdin } = this.#child;
    if (this.#over || !stdin?.writable) return Promise.reject(new FlyballError('performed_failed', 'the upstream server is not running; nothing was sent'));
    return new Promise((resolve, reject) => {
      stdin.write(`${writeMessage(message)}\n`, (error) => (error ? reject(new FlyballError('performed_unknown', 'the upstream server was lost', { cause: error })) : resolve()));
    });
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#kill('SIGKILL');
    const exited = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.stdin?.end();
    const timers = [setTimeout(() => this.#kill('SIGTERM'), graceMs), setTimeout(() => this.#kill('SIGKILL'), 2 * graceMs)];
    await exited;
    timers.forEach((timer) => clearTimeout(timer));
    this.#kill('SIGKILL');
  }

  /** Ends the child's whole group; a child that is gone may have left others behind. */
  #kill(signal: NodeJS.Signals): void {
    try {
      if (this.#child.pid !== undefined && process.platform !== 'win32') process.kill(-this.#child.pid, signal);
      else this.#child.kill(signal);
    } catch {
      // Nobody is left to end.
    }
  }

  #read(text: string): void {
    this.#buffer += text;
    if (this.#buffer.length > limits.responseBytesMax) {
      this.#lost(`the upstream server sent a line of more than ${limits.responseBytesMax} bytes`);
      this.#kill('SIGKILL');
      return;
    }
    for (let end = this.#buffer.indexOf('\n'); end >= 0; end = this.#buffer.indexOf('\n')) {
      const line = this.#buffer.slice(0, end).trim();
      this.#buffer = this.#buffer.slice(end + 1);
      const message = parseMessage(line);
      if (message) this.listener.message(message);
    }
  }

  #lost(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.listener.lost(why);
  }
}
