// npm run bench -- gateway|decide|commit|ledger [options]: runs one benchmark. Its last line is one JSON object.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const benches = {
  gateway: 'a governed call beside a direct one and beside the least that a durably recorded call can cost',
  decide: 'one policy decision beside cedar-wasm, casbin and OPA, at 10 to 5,000 policies',
  replay: 'recorded decisions made again, beside reading the rows and beside cedar-wasm',
  ledger: 'entries per second to durable and to a signed checkpoint, proofs, verification, beside raw inserts',
  authzen: 'evaluations per CPU second of the server, the record on, beside a bare server, Cerbos and OPA',
  holds: 'a hundred thousand questions that wait: pages of an inbox and answers, beside a plain table',
  commit: 'durable decisions per second beside the same rows inserted raw, embedded and on PostgreSQL',
};
const [name, ...rest] = process.argv.slice(2);
if (!Object.hasOwn(benches, name ?? '')) {
  console.error(['usage: npm run bench -- <name> [options]', ...Object.entries(benches).map(([key, what]) => `  ${key.padEnd(8)} ${what}`), '  --quick   a few seconds of each, for CI', '  --full    gateway: 1,000,000 recorded entries and 100,000 actions'].join('\n'));
  process.exit(2);
}
const child = spawn(process.execPath, [fileURLToPath(new URL(`./${name}.mjs`, import.meta.url)), ...rest], { stdio: 'inherit' });
// Both get a terminal's Ctrl-C; the benchmark cleans up and ends, and then this does.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
