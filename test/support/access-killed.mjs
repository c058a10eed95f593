// node access-killed.mjs CONFIG STEP [STANDING]: a node that asks for a grant, has it agreed to (also for what will be like
// it, within these bounds) and carried out, and kills itself before or after it writes an entry of a kind.
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const [file, step = '', standing] = process.argv.slice(2);
const dist = join(dirname(fileURLToPath(import.meta.url)), '../../packages/server/dist');
const load = (module) => import(pathToFileURL(join(dist, module)).href);
const [{ loadConfig }, { openGovernor }] = await Promise.all([load('config.js'), load('wiring.js')]);

const governor = await openGovernor(loadConfig(file, process.env), () => undefined);
const { ledger, access, approval } = governor;

function reach(name) {
  if (name !== step) return;
  process.kill(process.pid, 'SIGKILL');
  // Nothing more happens here, not even until the signal arrives.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

const write = ledger.write.bind(ledger);
ledger.write = async (draft) => {
  reach(`before ${draft.kind}`);
  const written = await write(draft);
  reach(`after ${draft.kind}`);
  return written;
};

const asked = await access.requests.askFor('tester', { person: 'olga', administers: false, address: '' }, { grant: 'prod-db-read', why: 'an incident', minutes: 60 });
await approval.holds.answer({ hold: asked.hold, person: 'ben', agrees: true, reason: '', ...(standing && { standing: JSON.parse(standing) }) });
await access.requests.resume(asked.hold);
await new Promise((resolve) => setTimeout(resolve, 5_000));
await governor.close();
