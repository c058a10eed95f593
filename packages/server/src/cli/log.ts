import { pino } from 'pino';
import type { Environment } from '../config.js';
import type { Log } from '../lib/log.js';

/** Logs go to standard error: standard output belongs to the client of `flyball mcp`. */
export function createLog(environment: Environment): Log {
  const logger = pino({ level: environment['FLYBALL_LOG'] ?? 'info', base: null }, pino.destination({ fd: 2, sync: true }));
  return (level, message, fields) => logger[level](fields ?? {}, message);
}

/** After a failed flush nothing is known to be durable but what is read anew: the process ends, and tries nothing more. */
export function endWhenBroken(broken: AbortSignal, log: Log): void {
  broken.addEventListener('abort', () => {
    log('error', 'the store could not make a record durable; ending without trying again. Start anew when the disk is well');
    process.exit(1);
  });
}
