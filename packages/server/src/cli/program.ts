import { type Command, CommanderError } from 'commander';
import { FlyballError } from '@flyball/protocol';
import { addDeskCommands } from './desk-commands.js';
import { addPolicyCommands } from './policy-commands.js';
import { printable } from './print.js';
import { addRecordCommands } from './record-commands.js';
import { addRequestCommands } from './request-commands.js';
import { environment, out, Shell } from './shell.js';
import { addWaitingCommands } from './waiting-commands.js';

/** The `flyball` command. Each part is loaded when it is used: most of them need a fraction of the house. */
export function program(): Command {
  const shell = new Shell();
  const { flyball } = shell;
  flyball.command('init').argument('[directory]', 'where', '.').description('write a configuration and a bundle to begin with').action(async (directory: string) => (await import('./init.js')).init(directory, out));
  flyball
    .command('up')
    .description('run the governor')
    .option('--fixture <name>', 'run a ready-made example over HTTPS instead, such as authzen-certification')
    .option('--port <port>', 'with --fixture: where it listens')
    .action(async ({ fixture, port }: { fixture?: string; port?: string }, command: Command) => {
      if (fixture === undefined && port !== undefined) throw new FlyballError('usage', `\`--port\` goes with \`--fixture\`; your own governor listens where \`machines.port\` and \`administrators.port\` say in \`${shell.common(command).config}\``);
      const { up } = await import('./up.js');
      if (fixture === undefined) return up(shell.config(command), environment);
      const { openFixture } = await import('./fixture.js');
      const opened = openFixture(fixture, port, environment);
      return up(opened.config, environment, opened);
    });
  flyball
    .command('mcp')
    .description('govern one MCP server over stdio: flyball mcp --as IDENTITY -- COMMAND …')
    .requiredOption('--as <identity>', 'registered identity that the client acts as')
    .option('--name <upstream>', 'name of the upstream in catalogue and policies', 'stdio')
    .argument('<command...>')
    .action(async (words: string[], options: { as: string; name: string }, command: Command) => (await import('./mcp.js')).mcp(shell.config(command), options.as, options.name, words, environment));
  flyball
    .command('token')
    .argument('<identity>')
    .description('issue a short-lived token from the installation\'s own key, to try things out')
    .option('--ttl <seconds>', 'how long it is valid', '3600')
    .option('--on-behalf-of <person>', 'the person that the identity acts for')
    .action(async (identity: string, options: { ttl: string; onBehalfOf?: string }, command: Command) => (await import('./token.js')).token(shell.config(command), identity, options, out));
  addPolicyCommands(shell);
  addDeskCommands(shell);
  addWaitingCommands(shell);
  addRequestCommands(shell);
  addRecordCommands(shell);
  return flyball;
}

/** Runs the command line; returns the exit code. Every failure is one clear message. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const [, , command, what] = argv;
    // The auditor's own command, with options of its own.
    if (command === 'verify' && (what === 'receipt' || what === 'log')) return await (await import('./verify.js')).verifyOthers(argv.slice(3));
    await program().parseAsync([...argv]);
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    const known = error instanceof FlyballError ? error : undefined;
    process.stderr.write(`flyball: ${known ? known.message.split('\n').map(printable).join('\n') : `an unexpected error: ${error instanceof Error ? printable(error.message) : 'unknown'}`}\n`);
    return known?.code === 'usage' ? 2 : 1;
  }
}
