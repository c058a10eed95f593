import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type Config, type Environment } from '../config.js';
import { httpAddress } from '../lib/http-address.js';
import { serve } from '../serve.js';
import type { Log } from '../lib/log.js';
import { type Governor, openGovernor } from '../wiring.js';
import type { Fixture } from './fixture.js';
import { createLog, endWhenBroken } from './log.js';
import { listeningFile } from './open-desk.js';
import { out } from './shell.js';

/** Runs the governor until it is told to stop. */
export async function up(config: Config, environment: Environment, fixture?: Fixture): Promise<void> {
  const log = createLog(environment);
  mkdirSync(config.data, { recursive: true, mode: 0o700 });
  log('info', 'opening the store', { store: config.databaseUrl === undefined ? config.data : 'postgres' });
  const governor = await openGovernor(config, log);
  endWhenBroken(governor.broken, log);
  const stopped = new Promise<string>((resolve) => ['SIGINT', 'SIGTERM'].forEach((signal) => process.once(signal, () => resolve(signal))));
  try {
    const serving = await serve(governor, config, environment, fixture?.tls);
    const place = listeningFile(config.data);
    try {
      writeFileSync(place, JSON.stringify({ administrators: serving.administratorsAddress }), { mode: 0o600 });
      process.on('SIGHUP', () => void reload(governor, log));
      log('info', 'ready', { machines: `${config.machines.tls ? 'https' : 'http'}://${config.machines.host}:${serving.machines}/mcp`, administrators: httpAddress(config.administrators.host, serving.administrators), bundle: governor.bundle.current.digest });
      if (fixture) out(await fixture.welcome());
      log('info', 'stopping', { signal: await stopped });
    } finally {
      rmSync(place, { force: true });
      await serving.close();
    }
  } finally {
    await governor.close();
  }
}

/** What a person who asks for a reload is answered is logged where a signal asks for it. */
async function reload({ bundle }: Governor, log: Log): Promise<void> {
  try {
    const { digest, changed, warnings } = await bundle.load();
    warnings.forEach((warning) => log('warn', warning));
    log('info', changed ? 'bundle active' : 'bundle unchanged', { bundle: digest });
  } catch (error) {
    log('error', error instanceof Error ? error.message : 'the bundle could not be loaded');
  }
}
