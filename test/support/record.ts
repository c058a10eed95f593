import { command, type RunningGovernor } from './governor.js';

export interface ActionRow {
  readonly id: string;
  readonly kind: string;
  readonly identity: string;
  readonly action: string;
  readonly outcome: string;
  readonly effect: string;
}

/** The newest attempts in the record, newest first. */
export async function actions(governor: RunningGovernor, most = 50): Promise<readonly ActionRow[]> {
  const { code, stdout, stderr } = await command(governor.directory, ['actions', '--json', '--most', String(most)]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as readonly ActionRow[];
}
