// The suites of profiles beside AuthZEN's own: against a Flyball of their own, or against a product by its description.
import { openTarget } from '../arap/target.mjs';
import { failed } from '../arap/verdicts.mjs';
import { World } from '../arap/world.mjs';
import { againWithCa, reach, read, Refused, runCommand, urlOf } from './command.mjs';

const options = { token: { type: 'string' }, ca: { type: 'string' }, config: { type: 'string' }, only: { type: 'string' }, json: { type: 'boolean', default: false } };

const usageOf = (name) => `npm run ${name} -- [URL] [options]

  URL            where another product's metadata are; without it and without --config, Flyball is started
  --config FILE  a description of the product (.json or .mjs); test/arap/README.md says what is in it
  --token T      what its enforcement point shows
  --ca FILE      the certificate (PEM) to trust, for a server whose certificate nobody known has signed
  --only ID,ID   these checks only
  --json         the rows as JSON`;

/**
 * @param name of the npm script
 * @param run gives the rows
 * @param show the rows as a text
 */
export const runProfile = (name, run, show) =>
  runCommand(usageOf(name), options, async ({ token, ca, config, only, json }, [url]) => {
    if (url !== undefined && config === undefined) throw new Refused('expected --config FILE with a description of the product: which requests to make, and how to approve (test/arap/README.md)');
    if (url !== undefined) urlOf(url);
    if (config !== undefined) read(config, 'the description');
    const again = againWithCa(ca);
    if (again !== undefined) return again;
    const target = await openTarget({ file: config, url, token });
    let rows = [];
    try {
      await reach(target.url, () => new World(target).http(new URL('/.well-known/authzen-configuration', target.url).href, { who: null }));
      rows = await run(target, { ...(only && { only: only.split(',') }), report: ({ id, verdict, ms }) => process.stderr.write(`${id} ${verdict} (${ms} ms)\n`) });
    } finally {
      await target.stop?.();
    }
    if (rows.length === 0) throw new Refused(`nothing was checked; \`${only}\` is no check`);
    console.log(json ? JSON.stringify(rows, null, 2) : show(target, rows));
    return failed(rows) ? 1 : 0;
  });
