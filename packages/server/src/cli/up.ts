import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type Config, type Environment } from '../config.js';
import { serve } from '../serve.js';
import { openGovernor } from '../wiring.js';
import { createLog, endWhenBroken } from './log.js';
import { listeningFile } from './open-desk.js';

/**
 * Runs the governor until it is told to stop.
 *
 * @param ready told when it serves
 */
export async function up(config: Config, environment: Environment, ready?: () => Promise<void>): Promise<void> {
  const log = createLog(environment);
  mkdirSync(config.data, { recursive: true, mode: 0o700 });
  log('info', 'opening the store', { store: config.databaseUrl === undefined ? config.data : 'postgres' });
  const governor = await openGovernor(config, log);
  endWhenBroken(governor.broken, log);
  const stopped = new Promise<string>((resolve) => ['SIGINT', 'SIGTERM'].forEach((signal) => process.once(signal, () => resolve(signal))));
  try {
    const serving = await serve(governor, config, environment);
    const place = listeningFile(config.data);
    writeFileSync(place, JSON.stringify({ administrators: `http://${config.administrators.host}:${serving.administrators}` }), { mode: 0o600 });
    const reload = () => void governor.bundle.load().then(({ digest, changed }) => log('info', changed ? 'bundle active' : 'bundle unchanged', { bundle: digest }), (error: unknown) => log('error', error instanceof Error ? error.message : 'the bundle could not be loaded'));
    process.on('SIGHUP', reload);
    log('info', 'ready', { machines: `${config.machines.tls ? 'https' : 'http'}://${config.machines.host}:${serving.machines}/mcp`, administrators: `http://${config.administrators.host}:${serving.administrators}`, bundle: governor.bundle.current.digest });
    await ready?.();
    log('info', 'stopping', { signal: await stopped });
    rmSync(place, { force: true });
    await serving.close();
  } finally {
    await governor.close();
  }
}
