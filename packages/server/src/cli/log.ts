import { pino } from 'pino';
import type { Environment } from '../config.js';
import type { Log } from '../wiring.js';

/** Logs go to standard error: standard output belongs to the client of `flyball mcp`. */
export function createLog(environment: Environment): Log {
  const logger = pino({ level: environment['FLYBALL_LOG'] ?? 'info', base: null }, pino.destination({ fd: 2, sync: true }));
  return (level, message, fields) => logger[level](fields ?? {}, message);
}
