import { Command, CommanderError } from 'commander';
import { FlyballError } from '@flyball/protocol';
import { configFile, loadConfig } from '../config.js';
import { printable, table } from './print.js';

const environment = process.env;
const out = (text: string) => void process.stdout.write(`${text}\n`);

interface Common {
  readonly config: string;
  readonly json?: boolean;
  readonly as?: string;
}

/** The `flyball` command. Each part is loaded when it is used: most of them need a fraction of the house. */
export function program(): Command {
  const flyball = new Command('flyball').description('governs what machines do').version('0.1.0').option('-c, --config <file>', 'configuration', configFile).exitOverride().showHelpAfterError('(`flyball --help` lists what there is)').configureOutput({ writeErr: (text) => void process.stderr.write(text) });
  const common = (command: Command) => ({ ...flyball.opts<Common>(), ...command.opts<Common>() });
  const config = (command: Command) => loadConfig(common(command).config, environment);
  const show = (command: Command, rows: readonly object[], columns: readonly string[]) => out(common(command).json ? JSON.stringify(rows, null, 2) : table(rows as Record<string, unknown>[], columns));

  flyball.command('init').argument('[directory]', 'where', '.').description('write a configuration and a bundle to begin with').action(async (directory: string) => (await import('./init.js')).init(directory, out));
  flyball.command('up').description('run the governor').action(async (_options, command: Command) => (await import('./up.js')).up(config(command), environment));
  flyball
    .command('mcp')
    .description('govern one MCP server over stdio: flyball mcp --as IDENTITY -- COMMAND …')
    .requiredOption('--as <identity>', 'registered identity that the client acts as')
    .option('--name <upstream>', 'name of the upstream in catalogue and policies', 'stdio')
    .argument('<command...>')
    .action(async (words: string[], options: { as: string; name: string }, command: Command) => (await import('./mcp.js')).mcp(config(command), options.as, options.name, words, environment));

  const policy = flyball.command('policy').description('work on policies');
  const bundleOf = (directory: string | undefined, command: Command) => directory ?? config(command).bundle;
  policy.command('check').argument('[directory]', 'bundle').description('check a bundle and list every fault').action(async (directory: string | undefined, _options, command: Command) => (await import('./policy.js')).check(bundleOf(directory, command), out));
  policy.command('format').argument('[directory]', 'bundle').option('--check', 'change nothing, and fail where something is not formatted').description('format the policies of a bundle').action(async (directory: string | undefined, options: { readonly check?: boolean }, command: Command) => (await import('./policy.js')).format(bundleOf(directory, command), options.check === true, out));

  flyball
    .command('token')
    .argument('<identity>')
    .description('issue a short-lived token from the installation\'s own key, to try things out')
    .option('--ttl <seconds>', 'how long it is valid', '3600')
    .option('--on-behalf-of <person>', 'the person that the identity acts for')
    .action(async (identity: string, options: { ttl: string; onBehalfOf?: string }, command: Command) => (await import('./token.js')).token(config(command), identity, options, out));

  const desk = async (command: Command) => {
    const { withDesk } = await import('./open-desk.js');
    return <T>(use: Parameters<typeof withDesk<T>>[2]) => withDesk(config(command), common(command).as, use);
  };
  flyball.command('sessions').description('list sessions').option('--json').option('--most <n>', 'how many', '50').action(async (options: { most: string }, command: Command) => show(command, await (await desk(command))((d) => d.sessions(Number(options.most))), ['id', 'identity', 'purpose', 'state', 'actions', 'refusals', 'labels', 'spent', 'until']));
  flyball.command('actions').description('list what was attempted').option('--json').option('--most <n>', 'how many', '50').option('--session <id>').action(async (options: { most: string; session?: string }, command: Command) => show(command, await (await desk(command))((d) => d.actions(Number(options.most), options.session)), ['id', 'at', 'identity', 'action', 'outcome', 'effect']));
  flyball.command('explain').argument('<id>').description('why an attempt ended as it did').option('--json').action(async (id: string, _options, command: Command) => {
    const explanation = await (await desk(command))((d) => d.explain(id));
    out(common(command).json ? JSON.stringify(explanation, null, 2) : (await import('./explain.js')).format(explanation));
  });
  flyball.command('holds').description('list what waits for people or facts').option('--json').action(async (_options, command: Command) => show(command, await (await desk(command))((d) => d.holds()), ['id', 'identity', 'action', 'waits_for', 'agreed', 'until']));
  const answer = (name: string, agrees: boolean, text: string) =>
    flyball.command(name).argument('<hold>').description(text).requiredOption('--as <person>', 'who answers').option('--reason <text>', 'why', '').action(async (hold: string, options: { as: string; reason: string }, command: Command) => out(JSON.stringify(await (await desk(command))((d) => d.answer(hold, options.as, agrees, options.reason)))));
  answer('approve', true, 'agree to exactly what a hold asks');
  answer('refuse', false, 'refuse what a hold asks');
  const tools = flyball.command('tools').description('tool definitions of upstreams');
  tools.command('list').option('--json').description('list them and whether they are as agreed').action(async (_options, command: Command) => show(command, await (await desk(command))((d) => d.tools()), ['upstream', 'tool', 'accepted', 'digest']));
  tools.command('accept').argument('<upstream>').argument('<tool>').option('--as <person>').description('accept a changed definition').action(async (upstream: string, tool: string, options: { as?: string }, command: Command) => out(JSON.stringify(await (await desk(command))((d) => d.acceptTool(upstream, tool, options.as ?? 'operator')))));
  tools.command('pin').argument('<upstream>').description('write an upstream\'s definitions into the bundle').action(async (upstream: string, _options, command: Command) => (await import('./pin.js')).pin(config(command), upstream, environment, out));
  flyball.command('reload').description('load the bundle again; what is invalid changes nothing').action(async (_options, command: Command) => out(JSON.stringify(await (await desk(command))((d) => d.reload()))));
  const db = flyball.command('db').description('move the record');
  db.command('export').argument('<file>').description('write every entry to a file').action(async (file: string, _options, command: Command) => (await import('./db.js')).exportTo(config(command), file, out));
  db.command('import').argument('<file>').description('read entries into an empty store').action(async (file: string, _options, command: Command) => (await import('./db.js')).importFrom(config(command), file, out));
  return flyball;
}

/** Runs the command line; returns the exit code. Every failure is one clear message. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...argv]);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    const known = error instanceof FlyballError ? error : undefined;
    process.stderr.write(`flyball: ${known ? known.message.split('\n').map(printable).join('\n') : `an unexpected error: ${error instanceof Error ? printable(error.message) : 'unknown'}`}\n`);
    return known?.code === 'usage' ? 2 : 1;
  }
}
