// node tools/opa.mjs: prints where the real OPA is that the Rego tests are held to; builds it at first (tools/go.mjs).
import { join } from 'node:path';
import { built, cache, output } from './go.mjs';

const version = 'v1.22.2';
const program = join(cache, `opa/${version}/opa`);

await built('OPA', { opa: program }, (go, work) => output(go, ['install', '-p', '2', `github.com/open-policy-agent/opa@${version}`], { env: { ...process.env, GOBIN: work, CGO_ENABLED: '0' } }));
console.log(program);
