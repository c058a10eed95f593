#!/usr/bin/env node
import { run } from './run.js';

const isWatched = process.stderr.isTTY;

process.exitCode = await run(process.argv.slice(2), {
  write: (text) => void process.stdout.write(text),
  progress: (text) => void (isWatched && process.stderr.write(`\r${text}  `)),
  // eslint-disable-next-line no-restricted-properties -- the edge: everything below is told the time
  now: () => Date.now(),
});
