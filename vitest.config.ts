import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { defineConfig } from 'vitest/config';

/** Stories of time and of full disks, which neighbours would disturb. They run after the others, one by one. */
const alone = ['crash', 'disk-full', 'gateway-crowd', 'gateway-faults', 'store-outage'].map((name) => `test/${name}.test.ts`);

/** Files that take a minute or more begin first, so that in the end nobody waits for one of them. */
const longest = ['log-witnesses', 'log-backup', 'aarm', 'access-races', 'arap', 'approvals', 'channels', 'gateway-decisions', 'rego', 'gateway-stdio'].map((name) => `/test/${name}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => longest.some((name) => moduleId.endsWith(name));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

const source = { ssr: { resolve: { conditions: ['flyball-source', 'node'] } } };
const house = { testTimeout: 120_000, hookTimeout: 120_000 };

export default defineConfig({
  ...source,
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      { ...source, test: { name: 'unit', include: ['packages/*/src/**/*.test.ts'], testTimeout: 20_000, maxWorkers: 2, sequence: { groupOrder: 0 } } },
      { ...source, test: { ...house, name: 'house', include: ['test/**/*.test.ts'], exclude: alone, maxWorkers: 2, sequence: { groupOrder: 1 } } },
      { ...source, test: { ...house, name: 'alone', include: alone, fileParallelism: false, sequence: { groupOrder: 2 } } },
    ],
  },
});
