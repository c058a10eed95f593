import { FlyballError } from '@flyball/protocol';
import type { Command } from 'commander';
import { out, type Shell } from './shell.js';

interface RequestOptions {
  readonly for: string;
  readonly as: string;
  readonly why: string;
  readonly until?: string;
  readonly minutes?: string;
  readonly rollback?: string;
  readonly simulate?: boolean;
}

/** Access for a time: asked for on behalf of an identity, and given back. */
export function addRequestCommands(shell: Shell): void {
  const { flyball } = shell;
  flyball
    .command('request')
    .argument('<grant>', 'one of those that the catalogue declares')
    .description('ask for a grant for an identity that you own or administer')
    .requiredOption('--for <identity>', 'who is to have it')
    .requiredOption('--as <person>', 'who you are')
    .requiredOption('--why <text>')
    .option('--until <time>', 'as an ISO time')
    .option('--minutes <count>', 'for how long; asked again with the same words it is the same question')
    .option('--rollback <text>', 'how to go back')
    .option('--simulate', 'only say what would be decided, and who would have to agree')
    .action(async (grant: string, options: RequestOptions, command: Command) => {
      const wish = { identity: options.for, grant, why: options.why, minutes: countOf(options.minutes), until: timeOf(options.until), rollback: options.rollback };
      const asking = { person: options.as, administers: false };
      const answer = await shell.desk(command, (desk) => (options.simulate ? desk.access.simulate(wish, asking) : desk.access.request(wish, asking)));
      out(JSON.stringify(answer, null, options.simulate ? 2 : 0));
    });
  const grants = flyball.command('grants').description('grants that identities hold');
  grants
    .command('list')
    .description('those that you own, or that an identity of yours holds')
    .requiredOption('--as <person>', 'who you are')
    .option('--json')
    .action(async (options: { as: string }, command: Command) => shell.show(command, await shell.desk(command, (desk) => desk.access.grants({ ...asked(options), seesAll: options.as === 'operator' })), ['id', 'grant', 'identity', 'on_behalf_of', 'asked_by', 'why', 'until']));
  for (const [verb, status, text] of [['return', 'returned', 'give back what is not needed any more'], ['revoke', 'revoked', 'take a grant away before its time']] as const) {
    grants
      .command(verb)
      .argument('<id>')
      .description(text)
      .requiredOption('--as <person>', 'who you are')
      .action(async (id: string, options: { as: string }, command: Command) => out(JSON.stringify(await shell.desk(command, (desk) => desk.access.endGrant(id, asked(options), status)))));
  }
}

const asked = ({ as: person }: { readonly as: string }) => ({ person, administers: person === 'operator' });

function countOf(text: string | undefined): number | undefined {
  if (text !== undefined && !/^[1-9]\d{0,6}$/.test(text)) throw new FlyballError('usage', 'expected `--minutes` as a number');
  return text === undefined ? undefined : Number(text);
}

function timeOf(text: string | undefined): string | undefined {
  const ms = text === undefined ? undefined : Date.parse(text);
  if (Number.isNaN(ms)) throw new FlyballError('usage', 'expected `--until` as an ISO time');
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
