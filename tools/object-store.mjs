// node tools/object-store.mjs: prints where an S3 gateway over a folder is that the export is tested with; builds it at
// first (tools/go.mjs).
import { join } from 'node:path';
import { built, cache, output } from './go.mjs';

const version = 'v1.8.0';
const program = join(cache, `versitygw/${version}/versitygw`);

await built('an S3 gateway', { versitygw: program }, (go, work) => output(go, ['install', '-p', '2', `github.com/versity/versitygw/cmd/versitygw@${version}`], { env: { ...process.env, GOBIN: work, CGO_ENABLED: '0' } }));
console.log(program);
