import { Command } from 'commander';
import type { Desk } from '../api/desk.js';
import { type Config, configFile, loadConfig } from '../config.js';
import { table } from './print.js';

interface Common {
  readonly config: string;
  readonly json?: boolean;
  readonly as?: string;
}

export const environment = process.env;
export const out = (text: string): void => void process.stdout.write(`${text}\n`);

/** What every command can ask for: the options that are everybody's, the configuration, the desk, a way to print. */
export class Shell {
  readonly flyball = new Command('flyball')
    .description('governs what machines do')
    .version('0.1.0')
    .option('-c, --config <file>', 'configuration', configFile)
    .exitOverride()
    .showHelpAfterError('(`flyball --help` lists what there is)')
    .configureOutput({ writeErr: (text) => void process.stderr.write(text) });

  common(command: Command): Common {
    return { ...this.flyball.opts<Common>(), ...command.opts<Common>() };
  }

  config(command: Command): Config {
    return loadConfig(this.common(command).config, environment);
  }

  /** Uses the desk of the server that runs, or of the store itself. */
  async desk<T>(command: Command, use: (desk: Desk) => Promise<T>): Promise<T> {
    const { withDesk } = await import('./open-desk.js');
    return withDesk(this.config(command), this.common(command).as, use);
  }

  show(command: Command, rows: readonly object[], columns: readonly string[]): void {
    out(this.common(command).json ? JSON.stringify(rows, null, 2) : table(rows as Record<string, unknown>[], columns));
  }
}
