import { defineConfig } from 'vitest/config';

/** Stories of time, of full disks and of killed processes, which neighbours would disturb. They run after the others, one by one. */
const alone = ['crash', 'disk-full', 'gateway-crowd', 'gateway-faults', 'log-embedded-kills', 'log-flood', 'log-kills', 'store-outage', 'two-nodes-memory'].map((name) => `test/${name}.test.ts`);

const source = { ssr: { resolve: { conditions: ['flyball-source', 'node'] } } };

export default defineConfig({
  ...source,
  test: {
    projects: [
      { ...source, test: { name: 'unit', include: ['packages/*/src/**/*.test.ts'], testTimeout: 20_000 } },
      { ...source, test: { name: 'house', include: ['test/**/*.test.ts'], exclude: alone, testTimeout: 120_000, hookTimeout: 120_000, maxWorkers: 2, sequence: { groupOrder: 1 } } },
      { ...source, test: { name: 'alone', include: alone, testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false, sequence: { groupOrder: 2 } } },
    ],
  },
});
