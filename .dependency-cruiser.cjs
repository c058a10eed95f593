// The table of ARCHITECTURE.md as rules. `npm run check:boundaries` proves each by a mutant (test/boundaries).
const server = '^packages/server/src';
const nouns = ['identity', 'session', 'policy', 'approval', 'credential', 'output', 'ledger'];
const tests = '\\.test\\.ts$';

/** A noun may import itself, what the flow says about states, its word list and libraries; another noun only by an interface of its own. */
const nounRules = nouns.map((noun) => ({
  name: `noun-${noun}-stands-alone`,
  comment: `${noun}/ asks for what it needs by an interface of its own; wiring.ts knows who provides it`,
  severity: 'error',
  from: { path: `${server}/${noun}/`, pathNot: tests },
  to: { path: `${server}/`, pathNot: `${server}/(${noun}|action|lib)/` },
}));

/** Whoever is outside a noun comes in by its door. */
const doorRules = [...nouns, 'gateway/mcp'].map((room) => ({
  name: `door-of-${room.replace('/', '-')}`,
  comment: `${room}/ is reached through its index.ts`,
  severity: 'error',
  from: { path: '^packages/', pathNot: [`${server}/${room}/`, `${server}/config\\.ts$`, tests, ...(room === 'ledger' ? [`${server}/store/`] : [])] },
  to: { path: `${server}/${room}/`, pathNot: `${server}/${room}/index\\.ts$` },
}));

module.exports = {
  forbidden: [
    { name: 'no-cycles', comment: 'type imports count', severity: 'error', from: { path: '^packages/' }, to: { circular: true } },
    { name: 'foundation-imports-nothing', comment: 'protocol and tlog know nothing but themselves and cryptography', severity: 'error', from: { path: '^packages/(protocol|tlog|cedar)/src', pathNot: tests }, to: { pathNot: ['^packages/$1/src', '^(node:)?crypto$'] } },
    { name: 'verify-shares-no-code', comment: 'who verifies the record shares nothing with who writes it but what proves', severity: 'error', from: { path: '^packages/verify/src', pathNot: tests }, to: { pathNot: ['^packages/verify/src', '^packages/tlog/src/index\\.ts$'], dependencyTypesNot: ['core'] } },
    { name: 'nobody-imports-the-server', severity: 'error', from: { path: '^packages/', pathNot: server }, to: { path: server } },
    { name: 'packages-by-their-exports', comment: 'no path into another package', severity: 'error', from: { path: '^packages/([^/]+)/' }, to: { path: '^packages/([^/]+)/src/', pathNot: ['^packages/$1/', '^packages/[^/]+/src/index\\.ts$'] } },
    { name: 'lib-knows-no-domain', comment: 'no word of the domain in lib/', severity: 'error', from: { path: `${server}/lib/`, pathNot: tests }, to: { path: `${server}/`, pathNot: `${server}/lib/` } },
    { name: 'action-knows-no-stage', comment: 'the flow knows no stage from inside', severity: 'error', from: { path: `${server}/action/`, pathNot: tests }, to: { path: `${server}/`, pathNot: `${server}/(action|lib)/` } },
    { name: 'grants-come-from-approval', comment: 'who imports the seal can make a grant or an intent', severity: 'error', from: { path: server, pathNot: [`${server}/(action|approval|ledger)/`, tests] }, to: { path: `${server}/action/seal\\.ts$` } },
    { name: 'store-knows-no-noun', comment: 'the way down fulfils the ledger\'s interface and knows nothing else', severity: 'error', from: { path: `${server}/store/`, pathNot: tests }, to: { path: `${server}/`, pathNot: `${server}/(store|lib)/|${server}/ledger/(store|draft|log/log-store)\\.ts$` } },
    { name: 'gateways-decide-nothing', comment: 'a gateway knows the flow, not who answers it', severity: 'error', from: { path: `${server}/gateway/`, pathNot: tests }, to: { path: `${server}/`, pathNot: `${server}/(gateway|action|lib)/` } },
    { name: 'api-comes-by-the-doors', severity: 'error', from: { path: `${server}/api/`, pathNot: tests }, to: { path: `${server}/(store|cli|gateway/(?!mcp/index\\.ts$))|${server}/(wiring|serve|config)(/|\\.ts$)` } },
    { name: 'configuration-asks-for-configuration', comment: 'of a noun it knows what can be set, so that a command loads no room of the house to read it', severity: 'error', from: { path: `${server}/config(/|\\.ts$)`, pathNot: tests }, to: { path: `${server}/`, pathNot: `${server}/(config|lib)(/|\\.ts$)|/config\\.ts$` } },
    { name: 'only-wiring-opens-the-store', severity: 'error', from: { path: server, pathNot: [`${server}/(store|cli|wiring)/`, `${server}/wiring\\.ts$`, tests] }, to: { path: `${server}/store/` } },
    { name: 'network-in-its-places', comment: 'who talks to others does it in a gateway, in lib/safe-fetch, in the store or at the edge', severity: 'error', from: { path: `${server}/(action|identity|session|policy|approval|credential|output|ledger)/`, pathNot: tests }, to: { path: '^(node:)?(http|https|net|tls|dgram|dns|child_process)$|node_modules/(undici|pg)/' } },
    { name: 'files-in-their-places', comment: 'pure rooms read no files', severity: 'error', from: { path: `${server}/(action|session|approval|output)/`, pathNot: tests }, to: { path: '^(node:)?fs' } },
    { name: 'tests-stay-tests', severity: 'error', from: { path: '^packages/', pathNot: tests }, to: { path: `${tests}|^test/` } },
    { name: 'development-libraries-stay-outside', severity: 'error', from: { path: '^packages/', pathNot: tests }, to: { path: '(^|node_modules/)(vitest|fast-check|@modelcontextprotocol|eslint|typescript|dependency-cruiser|oidc-provider|playwright-core|smtp-server|mailparser)(/|$)' } },
    ...nounRules,
    ...doorRules,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^packages/[^/]+/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['flyball-source', 'import', 'node', 'default'] },
  },
};
