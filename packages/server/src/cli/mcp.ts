import { mkdirSync } from 'node:fs';
import { FlyballError } from '@flyball/protocol';
import type { Config, Environment } from '../config.js';
import { serveStdio, StdioLink } from '../gateway/mcp/index.js';
import { openGovernor } from '../wiring.js';
import { createLog, endWhenBroken } from './log.js';

const timeoutMs = 60_000;

/** Stands between an MCP client and the server that it would have started itself. */
export async function mcp(config: Config, identity: string, name: string, words: readonly string[], environment: Environment): Promise<void> {
  const [command, ...args] = words;
  if (command === undefined) throw new FlyballError('usage', 'expected a command after `--`');
  const log = createLog({ FLYBALL_LOG: 'warn', ...environment });
  mkdirSync(config.data, { recursive: true, mode: 0o700 });
  const governor = await openGovernor(config, log);
  endWhenBroken(governor.broken, log);
  const stop = () => process.stdin.destroy();
  ['SIGINT', 'SIGTERM'].forEach((signal) => process.once(signal, stop));
  process.stdout.on('error', stop);
  try {
    const upstream = { upstream: name, prefix: '', timeoutMs, unlisted: false, open: (listener: ConstructorParameters<typeof StdioLink>[1]) => new StdioLink({ name, command, args, env: {} }, listener, environment) };
    const caller = { presented: { kind: 'stdio', identity } as const, address: '', gateway: 'mcp-stdio' };
    await serveStdio(governor.port, [upstream], { input: process.stdin, output: process.stdout, caller });
  } finally {
    await governor.close();
  }
}
