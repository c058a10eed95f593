import { type Canary, startCanary } from './canary.js';
import { openClient, reached } from './exported-record.js';
import { type RunningGovernor, startGovernor } from './governor.js';
import type { WireClient } from './wire.js';

/** A canary that moves money, a governor with these files in front of it, and a client of `tester`. */
export class MoneyHouse {
  private constructor(
    readonly canary: Canary,
    public governor: RunningGovernor,
    public client: WireClient,
  ) {}

  static async open(files: Readonly<Record<string, string>>): Promise<MoneyHouse> {
    const canary = await startCanary();
    const governor = await startGovernor({ files, upstreams: `  canary: { url: "${canary.url}" }` });
    return new MoneyHouse(canary, governor, await openClient(governor));
  }

  /** Starts a governor that was ended again, on its data; the client is another one. */
  async restart(): Promise<void> {
    this.governor = await startGovernor({ directory: this.governor.directory });
    this.client = await openClient(this.governor);
  }

  /** How many transfers to this receiver reached the canary. */
  effects(to: string): number {
    return reached(this.canary).filter((each) => each === to).length;
  }

  async close(): Promise<void> {
    await this.governor.remove();
    this.canary.stop();
  }
}
