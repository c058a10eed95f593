import { FlyballError, type Json } from '@flyball/protocol';
import type { Command } from 'commander';
import type { Desk } from '../api/desk.js';
import type { AnswerWish } from '../api/people/approver-desk.js';
import { durationOf } from '../lib/duration.js';
import { out, type Shell } from './shell.js';
import { standingOf } from './standing-bounds.js';

/** What waits for people, and what they do about it. */
export function addWaitingCommands(shell: Shell): void {
  const { flyball } = shell;
  const as = (command: Command) => command.requiredOption('--as <person>', 'who you are');
  const print = (value: object) => out(JSON.stringify(value));
  as(flyball.command('inbox').description('what waits for your answer, like questions together').option('--json').option('--after <hold>', 'the page after this one')).action(async (options: { as: string; after?: string }, command: Command) => {
    const { rows, next } = await shell.desk(command, (desk) => desk.waiting.inbox(options.as, options.after));
    const shown = rows.map(({ atMs, deadlineMs, like, onBehalfOf, ...row }) => ({ ...row, for: onBehalfOf ?? '', like: like === 1 ? '' : `${like} alike`, asked: iso(atMs), until: iso(deadlineMs) }));
    shell.show(command, shown, ['hold', 'identity', 'for', 'action', 'reason', 'like', 'until']);
    if (next !== undefined) process.stderr.write(`there are more: --after ${next}\n`);
  });
  as(flyball.command('show').argument('<hold>').description('one question, as it is agreed to').option('--json')).action(async (hold: string, options: { as: string }, command: Command) => {
    const question = await shell.desk(command, (desk) => desk.waiting.question(hold, options.as, options.as === 'operator'));
    out(shell.common(command).json ? JSON.stringify(question, null, 2) : (await import('./question.js')).format(question));
  });
  addAnswers(shell);
  flyball.command('cancel').argument('<hold>').description('take a question back, as an administrator').option('--as <person>').action(async (hold: string, options: { as?: string }, command: Command) => print(await shell.desk(command, (desk) => desk.waiting.cancel(hold, options.as ?? 'operator'))));
  flyball.command('recommendations').description('what became of what machines recommended, by action').option('--json').action(async (_options, command: Command) => shell.show(command, await shell.desk(command, (desk) => desk.waiting.recommendations()), ['action', 'made', 'taken_up', 'refused', 'ignored', 'withdrawn', 'dropped']));
  addConsentBeforehand(shell);
  addEmergencies(shell);
}

interface AnswerOptions {
  readonly as: string;
  readonly reason: string;
  readonly evidence: readonly string[];
  readonly cap: readonly string[];
  readonly until?: string;
  readonly standing?: string;
  readonly seen: readonly string[];
}

function addAnswers(shell: Shell): void {
  const collect = (value: string, before: readonly string[]) => [...before, value];
  for (const [name, agrees, text] of [['approve', true, 'agree to exactly what a hold asks, or to several that are alike'], ['refuse', false, 'refuse what a hold asks']] as const) {
    shell.flyball
      .command(name)
      .argument('<holds...>')
      .description(text)
      .requiredOption('--as <person>', 'who answers')
      .option('--reason <text>', 'why', '')
      .option('--evidence <kind=json>', 'evidence, such as ticket=\'{"id":"CHG-1"}\'', collect, [])
      .option('--cap <argument=most>', 'agree to no more than this of a numeric argument', collect, [])
      .option('--until <time>', 'agree until then only, as an ISO time')
      .option('--seen <digest>', 'what `flyball show` called what you saw; repeat it for several holds', collect, [])
      .option('--standing <bounds>', 'agree to what is like it as well: count=10,within=7d,sum=amount:1000')
      .action(async (holds: string[], options: AnswerOptions, command: Command) => {
        const common = { person: options.as, agrees, reason: options.reason, evidence: evidenceOf(options.evidence) };
        const [hold = '', ...others] = holds;
        const [onlyOne] = (['cap', 'until', 'standing'] as const).filter((name) => isGiven(options[name]));
        if (onlyOne !== undefined && (others.length > 0 || !agrees)) throw usage(`\`--${onlyOne}\` only where one hold is agreed to`);
        const answered = await shell.desk(command, async (desk) => {
          const seen = new Map(await Promise.all(holds.map(async (each) => [each, await seenOf(desk, each, options)] as const)));
          if (others.length > 0) return desk.waiting.answerAll({ ...common, holds, ...(options.seen.length > 0 && { seen: Object.fromEntries([...seen].flatMap(([each, digest]) => (digest === undefined ? [] : [[each, digest]]))) }) });
          return desk.waiting.answer({ ...common, hold, seen: seen.get(hold), narrow: narrowOf(options), ...(options.standing !== undefined && { standing: standingOf(options.standing) }) });
        });
        out(JSON.stringify(answered));
      });
  }
}

/** Which of the digests that a person was shown is of this question; nothing where they name none, for then nobody knows what they saw. */
async function seenOf(desk: Desk, hold: string, { seen, as: person }: AnswerOptions): Promise<string | undefined> {
  const [only] = seen;
  if (only === undefined) return undefined;
  try {
    const { digest } = (await desk.waiting.question(hold, person, false)).preview;
    // Any other is for the desk to refuse: it is not what is asked.
    return seen.includes(digest) ? digest : only;
  } catch (error) {
    // Who may not see it may not answer it either, and the answer says why.
    if (error instanceof FlyballError && error.code === 'not_found') return only;
    throw error;
  }
}

function addConsentBeforehand(shell: Shell): void {
  const { flyball } = shell;
  const print = (value: object) => out(JSON.stringify(value));
  const standing = flyball.command('standing').description('standing approvals');
  standing.command('list').option('--json').action(async (_options, command: Command) => shell.show(command, await shell.desk(command, (desk) => desk.waiting.standing('operator', true)), ['id', 'policy', 'identity', 'action', 'used', 'spent', 'agreed', 'until']));
  standing.command('revoke').argument('<id>').requiredOption('--as <person>').action(async (id: string, options: { as: string }, command: Command) => print(await shell.desk(command, (desk) => desk.waiting.endStanding(id, options.as, options.as === 'operator'))));
  const delegations = flyball.command('delegations').description('who speaks for whom');
  delegations.command('list').option('--json').action(async (_options, command: Command) => shell.show(command, await shell.desk(command, (desk) => desk.waiting.delegations('operator', true)), ['id', 'from', 'to', 'groups', 'until']));
  delegations
    .command('give')
    .description('let somebody answer for you while you are away')
    .requiredOption('--as <person>', 'who is away')
    .requiredOption('--to <person>')
    .requiredOption('--groups <names>', 'in which of your groups, with commas')
    .requiredOption('--until <time>', 'as an ISO time')
    .action(async (options: { as: string; to: string; groups: string; until: string }, command: Command) => print(await shell.desk(command, (desk) => desk.waiting.delegate({ person: options.as, to: options.to, groups: words(options.groups), until: timeOf(options.until) }))));
  delegations.command('end').argument('<id>').requiredOption('--as <person>').action(async (id: string, options: { as: string }, command: Command) => print(await shell.desk(command, (desk) => desk.waiting.endDelegation(id, options.as))));
}

function addEmergencies(shell: Shell): void {
  const print = (value: object) => out(JSON.stringify(value));
  const emergency = shell.flyball.command('emergency').description('break glass: short, before everybody\'s eyes, and reviewed afterwards');
  emergency.command('list').option('--json').action(async (_options, command: Command) => shell.show(command, await shell.desk(command, (desk) => desk.waiting.emergencies()), ['id', 'name', 'state', 'identity', 'action', 'declared_by', 'confirmed_by', 'uses', 'until']));
  emergency
    .command('declare')
    .argument('<name>')
    .requiredOption('--as <person>')
    .requiredOption('--incident <id>')
    .requiredOption('--reason <text>')
    .option('--identity <pattern>', 'for which identities', '*')
    .option('--action <pattern>', 'for which actions', '*')
    .option('--for <time>', 'such as 30m')
    .action(async (name: string, options: { as: string; incident: string; reason: string; identity: string; action: string; for?: string }, command: Command) => {
      const { as: person, for: time, ...wish } = options;
      print(await shell.desk(command, (desk) => desk.waiting.declareEmergency({ ...wish, name, person, ...(time !== undefined && { forMs: msOf(time) }) })));
    });
  for (const [verb, text] of [['confirm', 'as the second person'], ['end', 'before its time']] as const) {
    emergency
      .command(verb)
      .argument('<name>')
      .argument('<id>')
      .description(text)
      .requiredOption('--as <person>')
      .action(async (name: string, id: string, options: { as: string }, command: Command) => print(await shell.desk(command, (desk) => (verb === 'confirm' ? desk.waiting.confirmEmergency(name, id, options.as) : desk.waiting.endEmergency(name, id, options.as)))));
  }
  emergency
    .command('review')
    .argument('<name>')
    .argument('<id>')
    .description('close the review of what somebody else declared')
    .requiredOption('--as <person>')
    .requiredOption('--finding <text>')
    .action(async (name: string, id: string, options: { as: string; finding: string }, command: Command) => print(await shell.desk(command, (desk) => desk.waiting.reviewEmergency(name, id, options.as, options.finding))));
}

const isGiven = (value: string | readonly string[] | undefined): boolean => value !== undefined && value.length > 0;
const iso = (ms: number) => new Date(ms).toISOString();
const words = (text: string) => text.split(',').map((word) => word.trim()).filter((word) => word !== '');

function evidenceOf(given: readonly string[]): AnswerWish['evidence'] {
  if (given.length === 0) return undefined;
  return given.map((piece) => {
    const [, kind = '', text = ''] = /^([a-z][a-z0-9_-]*)=(.*)$/s.exec(piece) ?? [];
    const value = parsed(text);
    if (kind === '' || value === undefined) throw usage('`--evidence` as kind=JSON, such as ticket=\'{"id":"CHG-1"}\'');
    return { kind, value };
  });
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function narrowOf({ cap, until }: AnswerOptions): AnswerWish['narrow'] {
  if (cap.length === 0 && until === undefined) return undefined;
  const caps = Object.fromEntries(
    cap.map((piece) => {
      const [, name = '', most = ''] = /^([^=]+)=(-?\d+(?:\.\d+)?)$/.exec(piece) ?? [];
      if (name === '') throw usage('`--cap` as argument=number');
      return [name, Number(most)] as const;
    }),
  );
  if (Object.keys(caps).length < cap.length) throw usage('each argument in one `--cap` only');
  const untilMs = until === undefined ? undefined : Date.parse(timeOf(until));
  return { ...(cap.length > 0 && { caps }), ...(untilMs !== undefined && { untilMs }) };
}

/** With its zone, so that it means the same on another machine. */
function timeOf(text: string): string {
  if (!/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(text) || Number.isNaN(Date.parse(text))) throw usage('`--until` as an ISO time with its zone, such as 2030-01-31T12:00:00Z');
  return text;
}

function msOf(text: string): number {
  const ms = durationOf(text);
  if (ms === undefined) throw usage('a time such as 30m or 7d');
  return ms;
}

const usage = (expected: string) => new FlyballError('usage', `expected ${expected}`);
