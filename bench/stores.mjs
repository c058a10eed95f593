// The stores that a benchmark is run on: the embedded one, and a PostgreSQL server where this machine has one.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startPostgres } from './postgres.mjs';
import { walFlush } from './raw-rows.mjs';
import { root, temporary } from './support.mjs';

/** A module of the built server. */
export const server = (path) => import(pathToFileURL(join(root, 'packages/server/dist', path)).href);

export const tenant = 'default';
const { openEmbedded, openPostgres } = await server('store/open.js');
const pg = createRequire(join(root, 'packages/server/package.json'))('pg');

/**
 * Measures on one store after the other; gives back what was measured, and the names of those that are not on this machine.
 *
 * @param measure is given a name for the reader, the open store, and how plain rows beside the record become durable on it
 */
export async function onStores(names, measure) {
  const measured = [];
  const skipped = [];
  for (const name of names) {
    const one = name === 'pglite' ? await onPglite(measure) : await onPostgres(measure);
    if (one) measured.push(one);
    else skipped.push(name);
  }
  return { measured, skipped };
}

async function onPglite(measure) {
  const directory = temporary('store');
  const store = await openEmbedded(directory, tenant);
  const raw = walFlush(directory);
  const measured = await measure('PGlite', store, raw);
  await store.close();
  raw.close();
  return measured;
}

async function onPostgres(measure) {
  const postgres = await startPostgres(pg);
  if (!postgres) {
    console.log('\n!!! SKIPPED: no PostgreSQL on this machine (looked in /usr/lib/postgresql/*/bin and FLYBALL_POSTGRES_BIN); nothing was measured on it');
    return undefined;
  }
  const store = await openPostgres(postgres.url, tenant);
  const measured = await measure(postgres.version, store, { flush: () => undefined, last: 'null', lanes: 8 });
  await store.close();
  await postgres.stop();
  return measured;
}
