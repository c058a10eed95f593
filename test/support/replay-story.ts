import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Client } from '@modelcontextprotocol/client';
import { type Canary, startCanary } from './canary.js';
import { command, openBundle, type RunningGovernor, startGovernor, writeInstallation } from './governor.js';
import { connect, raw } from './mcp.js';
import { ruling } from './rego-kit.js';
import { settledActions } from './record.js';

const catalogue = `actions:
  - { name: money.move, tier: act, automation: human, spends: { eur: amount }, match: { upstream: canary, name: transfer } }
  - { name: customer.read, tier: inspect, reads: [pii], match: { upstream: canary, name: read_customer } }
  - { name: echo.use, tier: inspect, match: { upstream: canary, name: echo } }
  - { name: all.delete, tier: act, automation: human, match: { upstream: canary, name: delete_everything } }
  - { name: anything.use, tier: inspect, match: { upstream: "*", name: "*" } }
facts:
  change_window: { open: boolean }
`;

/** Rules of every kind: labels, budgets, counts, the past, approvals, changes, facts. */
const policies = `@id("open") permit (principal in Group::"testers", action, resource);
@id("narrow") @modify("limit=10") permit (principal in Group::"testers", action == Action::"customer.read", resource);
@id("no-leak") @reason("what was read stays here")
forbid (principal, action == Action::"echo.use", resource)
when { context.session.labels.contains("pii") && context.args.message like "out*" };
@id("budget") forbid (principal, action == Action::"money.move", resource)
when { context.session.spent.eur.greaterThan(decimal("100.0")) };
@id("large") @outcome("step_up") @approvers("finance")
forbid (principal, action == Action::"money.move", resource) when { context.args.amount.greaterThan(decimal("50.0")) };
@id("window") @outcome("defer") @needs("change_window")
forbid (principal, action == Action::"all.delete", resource) unless { context.facts has change_window && context.facts.change_window.open };
@id("three-an-hour") @reason("no more than three payments an hour to one payee")
forbid (principal, action == Action::"money.move", resource)
when temporal { count_within(1h, Action::"money.move"::request{ input.to: context.args.to }) > 3 };
@id("patience") @mode("shadow") forbid (principal, action == Action::"echo.use", resource) when { context.session.refusals > 0 };
`;

const tools = [
  { name: 'echo', description: 'Echoes a message', inputSchema: { type: 'object', properties: { message: { type: 'string' }, count: { type: 'integer' } }, required: ['message'] } },
  { name: 'transfer', description: 'Transfers money', inputSchema: { type: 'object', properties: { to: { type: 'string' }, amount: { type: 'number' }, memo: { type: 'object' } }, required: ['to', 'amount'] }, outputSchema: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] } },
  { name: 'read_customer', description: 'Reads a customer', inputSchema: { type: 'object', properties: { id: { type: 'string' }, limit: { type: 'integer' } }, required: ['id'] } },
];

/** The bundle that decides in this story, without the folder's name. */
export const storyBundle: Readonly<Record<string, string>> = {
  'catalogue.yaml': catalogue,
  'identities.yaml': openBundle['bundle/identities.yaml'] ?? '',
  'people.yaml': openBundle['bundle/people.yaml'] ?? '',
  'policies/open.cedar': policies,
  'tools/canary.json': JSON.stringify({ tools }),
  ...ruling({ outcome: 'allow', policies: [{ id: 'fine', reason: 'nothing against it' }] }),
};

export interface Story {
  readonly governor: RunningGovernor;
  readonly canary: Canary;
}

/** Writes the story's bundle, or one that differs from it. */
export function writeBundle(folder: string, over: Readonly<Record<string, string>> = {}): void {
  for (const [file, text] of Object.entries({ ...storyBundle, ...over })) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), file.endsWith('.gz') ? Buffer.from(text, 'base64') : text);
  }
}

const transfer = (to: string, amount: number) => ({ name: 'transfer', arguments: { to, amount } });
const echo = (message: string) => ({ name: 'echo', arguments: { message } });

/** Calls of two identities, in several sessions, that meet every rule; then nothing is under way any more. */
export async function tellStory(): Promise<Story> {
  const canary = await startCanary();
  const directory = writeInstallation({ files: {}, upstreams: `  canary: { url: "${canary.url}", output_schema: off }` });
  writeBundle(join(directory, 'bundle'));
  const governor = await startGovernor({ directory });
  const [tester, other] = [await governor.token('tester'), await governor.token('other', '--on-behalf-of', 'ben')];
  const open = async (token: string) => ((await raw(`${governor.machines}/v1/sessions`, '{"purpose":"a story"}', token)).body as { session: string }).session;
  const inSession = async (token: string) => connect(governor.url('/mcp/canary'), token, 'legacy', { 'flyball-session': await open(token) });
  const [first, second, third] = [await inSession(tester), await inSession(tester), await inSession(other)];
  const call = async (client: Client, what: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> }) => client.callTool(what).catch(() => undefined);
  await call(first, echo('out with nothing'));
  for (const to of ['ann', 'ann', 'bob', 'ann', 'ann', 'bob']) await call(first, transfer(to, 30));
  await call(second, { name: 'read_customer', arguments: { id: 'jo', limit: 50 } });
  for (const client of [first, second, third]) await call(client, echo('out with it'));
  await call(third, { name: 'delete_everything', arguments: {} });
  await call(third, transfer('carl', 80));
  const hold = (await settledActions(governor)).find(({ kind, action }) => kind === 'hold' && action === 'money.move');
  const agreed = await command(governor.directory, ['approve', hold?.id ?? 'none', '--as', 'ann']);
  if (agreed.code !== 0) throw new Error(agreed.stderr);
  await call(third, transfer('carl', 80));
  await call(third, transfer('carl', 40));
  await call(third, transfer('carl', 1));
  await call(second, { name: 'transfer', arguments: { to: 'dora', amount: 1, memo: { note: 'free' } } });
  await Promise.all([first, second, third].map((client) => client.close()));
  await settledActions(governor);
  return { governor, canary };
}
