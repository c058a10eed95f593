import { vi } from 'vitest';
import type { RunningGovernor } from './governor.js';

export interface ActionRow {
  readonly id: string;
  readonly kind: string;
  readonly identity: string;
  readonly action: string;
  readonly outcome: string;
  readonly effect: string;
}

/** The newest attempts in the record, newest first: what `flyball actions --json` shows, without starting it for each look. */
export async function actions(governor: RunningGovernor, most = 50): Promise<readonly ActionRow[]> {
  const { status, value } = await governor.ask('operator', 'GET', `/v1/actions?most=${most}`);
  if (status !== 200) throw new Error(JSON.stringify(value));
  return value;
}

const settlingMs = 5_000;

/** The same when nothing is under way any more: the outcome of a call may follow its answer by a few milliseconds. */
export async function settledActions(governor: RunningGovernor, most = 50): Promise<readonly ActionRow[]> {
  return vi.waitFor(
    async () => {
      const rows = await actions(governor, most);
      if (rows.some(({ effect }) => effect === 'under way')) throw new Error('an action is still under way');
      return rows;
    },
    { timeout: settlingMs },
  );
}
